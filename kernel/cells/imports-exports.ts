// Imports become declarations, and exports lose their `export`: V8 runs cells as scripts, not as modules.
//
// An imported variable that its module can change is not copied: it becomes a property of the global object that reads the
// module. V8 would not look for it there if a cell has declared a variable of this name before. Then it is copied, too.
import * as ts from 'typescript';
import { nameInV8 } from './shadowed-globals';
import { cellCall, cellProperty, letStatement } from './syntax';

const { factory } = ts;

/** @param isVariable whether V8 has a variable of this name, which an earlier cell has declared. */
export function importsAndExports(
  checker: ts.TypeChecker,
  isVariable: (name: string) => boolean,
): ts.TransformerFactory<ts.SourceFile> {
  return (context) => (file) => {
    const visit = (node: ts.Node): ts.Node => withoutImportSyntax(ts.visitEachChild(node, visit, context));
    const [imports, rest]: [ts.Statement[], ts.Statement[]] = [[], []];
    for (const statement of file.statements) {
      if (ts.isImportDeclaration(statement)) {
        imports.push(
          ...importStatements(statement, checker, isVariable).map((made) => ts.setTextRange(made, statement)),
        );
        continue;
      }
      for (const each of withoutExport(statement, checker)) {
        const visited = ts.visitNode(each, visit) as ts.Statement;
        rest.push(each === statement ? visited : ts.setTextRange(visited, statement));
      }
    }
    return factory.updateSourceFile(file, [...imports, ...rest]);
  };
}

/** Replaces `import(x)` and `import.meta`, which V8 allows only in modules. */
function withoutImportSyntax(node: ts.Node): ts.Node {
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return ts.setTextRange(cellCall('import', ...node.arguments), node);
  }
  if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword) {
    return ts.setTextRange(cellProperty('meta'), node);
  }
  return node;
}

/**
 * `let { default: name, other } = await __cell__.import('module');` for the names that have values, and
 * `__cell__.live('count', await __cell__.import('module'), 'count');` for variables that can change.
 */
function importStatements(
  { moduleSpecifier, importClause }: ts.ImportDeclaration,
  checker: ts.TypeChecker,
  isVariable: (name: string) => boolean,
): ts.Statement[] {
  const module = (): ts.Expression => factory.createAwaitExpression(cellCall('import', moduleSpecifier));
  if (!importClause) {
    return [factory.createExpressionStatement(module())];
  }
  if (importClause.isTypeOnly) {
    return [];
  }
  const { name, namedBindings } = importClause;
  const named = namedBindings && ts.isNamedImports(namedBindings) ? namedBindings.elements : [];
  const symbolOf = (local: ts.Identifier): ts.Symbol | undefined => checker.getSymbolAtLocation(local);
  const values = [
    ...(name ? [{ local: name, imported: factory.createIdentifier('default') as ts.ModuleExportName }] : []),
    ...named
      .filter(({ isTypeOnly }) => !isTypeOnly)
      .map(({ name: local, propertyName }) => ({ local, imported: propertyName ?? local })),
  ].filter(({ local }) => hasValue(symbolOf(local), checker));
  const isLive = ({ local }: (typeof values)[number]): boolean =>
    canChange(symbolOf(local), checker) && !isVariable(nameInV8(local.text));

  const copied = values
    .filter((value) => !isLive(value))
    .map(({ local, imported }) =>
      factory.createBindingElement(undefined, imported.text === local.text ? undefined : imported, local),
    );
  const statements: ts.Statement[] = values.filter(isLive).map(({ local, imported }) => {
    const [own, exported] = [nameInV8(local.text), imported.text].map((text) => factory.createStringLiteral(text));
    return factory.createExpressionStatement(cellCall('live', own, module(), exported));
  });
  if (copied.length > 0) {
    statements.push(letStatement(factory.createObjectBindingPattern(copied), module()));
  }
  if (namedBindings && ts.isNamespaceImport(namedBindings) && hasValue(symbolOf(namedBindings.name), checker)) {
    statements.push(letStatement(namedBindings.name, module()));
  }
  return statements;
}

/** Whether a name stands for a value, not only for a type. */
function hasValue(symbol: ts.Symbol | undefined, checker: ts.TypeChecker): boolean {
  const target = targetOf(symbol, checker);
  return !target || Boolean(target.flags & ts.SymbolFlags.Value);
}

/** Whether a name stands for a variable of its module that is no constant, or for something of an unknown kind. */
function canChange(symbol: ts.Symbol | undefined, checker: ts.TypeChecker): boolean {
  const target = targetOf(symbol, checker);
  if (!target?.declarations) {
    return true;
  }
  const isConst = (declaration: ts.Declaration): boolean =>
    (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0;
  return (target.flags & ts.SymbolFlags.Variable) !== 0 && !target.declarations.every(isConst);
}

function targetOf(symbol: ts.Symbol | undefined, checker: ts.TypeChecker): ts.Symbol | undefined {
  return symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** Removes `export`: later cells see all declarations anyway. */
function withoutExport(statement: ts.Statement, checker: ts.TypeChecker): ts.Statement[] {
  if (ts.isExportAssignment(statement)) {
    return [factory.createExpressionStatement(statement.expression)];
  }
  if (ts.isExportDeclaration(statement)) {
    const { moduleSpecifier, isTypeOnly } = statement;
    return moduleSpecifier && !isTypeOnly
      ? [factory.createExpressionStatement(factory.createAwaitExpression(cellCall('import', moduleSpecifier)))]
      : [];
  }
  if (ts.isImportEqualsDeclaration(statement)) {
    const { moduleReference, name, isTypeOnly } = statement;
    if (isTypeOnly || !hasValue(checker.getSymbolAtLocation(name), checker)) {
      return [];
    }
    const value = ts.isExternalModuleReference(moduleReference)
      ? cellCall('require', moduleReference.expression)
      : entityExpression(moduleReference);
    return [letStatement(name, value)];
  }
  const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
  if (!modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) {
    return [statement];
  }
  const kept = modifiers.filter(
    ({ kind }) => kind !== ts.SyntaxKind.ExportKeyword && kind !== ts.SyntaxKind.DefaultKeyword,
  );
  if (ts.isFunctionDeclaration(statement)) {
    const { asteriskToken, name, typeParameters, parameters, type, body } = statement;
    if (!name && body) {
      return [
        factory.createExpressionStatement(
          factory.createFunctionExpression(kept, asteriskToken, name, typeParameters, parameters, type, body),
        ),
      ];
    }
    return [
      factory.updateFunctionDeclaration(statement, kept, asteriskToken, name, typeParameters, parameters, type, body),
    ];
  }
  if (ts.isClassDeclaration(statement)) {
    const { name, typeParameters, heritageClauses, members } = statement;
    const withDecorators = [...(ts.getDecorators(statement) ?? []), ...kept];
    return name
      ? [factory.updateClassDeclaration(statement, withDecorators, name, typeParameters, heritageClauses, members)]
      : [
          factory.createExpressionStatement(
            factory.createParenthesizedExpression(
              factory.createClassExpression(withDecorators, name, typeParameters, heritageClauses, members),
            ),
          ),
        ];
  }
  if (ts.isVariableStatement(statement)) {
    return [factory.updateVariableStatement(statement, kept, statement.declarationList)];
  }
  if (ts.isEnumDeclaration(statement)) {
    return [factory.updateEnumDeclaration(statement, kept, statement.name, statement.members)];
  }
  if (ts.isModuleDeclaration(statement)) {
    return [factory.updateModuleDeclaration(statement, kept, statement.name, statement.body)];
  }
  return [statement]; // a type
}

/** `A.B` as an expression, for `import name = A.B`. */
function entityExpression(name: ts.EntityName): ts.Expression {
  return ts.isIdentifier(name) ? name : factory.createPropertyAccessExpression(entityExpression(name.left), name.right);
}
