// Imports become declarations, and exports lose their `export`: V8 runs cells as scripts, not as modules.
import * as ts from 'typescript';
import { cellCall, cellProperty, letStatement } from './syntax';

const { factory } = ts;

export function importsAndExports(checker: ts.TypeChecker): ts.TransformerFactory<ts.SourceFile> {
  return (context) => (file) => {
    const visit = (node: ts.Node): ts.Node => withoutImportSyntax(ts.visitEachChild(node, visit, context));
    const [imports, rest]: [ts.Statement[], ts.Statement[]] = [[], []];
    for (const statement of file.statements) {
      if (ts.isImportDeclaration(statement)) {
        imports.push(...importStatements(statement, checker).map((made) => ts.setTextRange(made, statement)));
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

/** `let { default: name, other } = await __cell__.import('module');` for the names that have values. */
function importStatements(
  { moduleSpecifier, importClause }: ts.ImportDeclaration,
  checker: ts.TypeChecker,
): ts.Statement[] {
  const module = (): ts.Expression => factory.createAwaitExpression(cellCall('import', moduleSpecifier));
  if (!importClause) {
    return [factory.createExpressionStatement(module())];
  }
  if (importClause.isTypeOnly) {
    return [];
  }
  const { name, namedBindings } = importClause;
  const isValue = (identifier: ts.Identifier): boolean => hasValue(checker.getSymbolAtLocation(identifier), checker);
  const bindings: ts.BindingElement[] = [];
  if (name && isValue(name)) {
    bindings.push(factory.createBindingElement(undefined, 'default', name));
  }
  if (namedBindings && ts.isNamedImports(namedBindings)) {
    for (const element of namedBindings.elements.filter((each) => !each.isTypeOnly && isValue(each.name))) {
      bindings.push(factory.createBindingElement(undefined, element.propertyName, element.name));
    }
  }
  const statements = bindings.length > 0 ? [letStatement(factory.createObjectBindingPattern(bindings), module())] : [];
  if (namedBindings && ts.isNamespaceImport(namedBindings) && isValue(namedBindings.name)) {
    statements.push(letStatement(namedBindings.name, module()));
  }
  return statements;
}

/** Whether a name stands for a value, not only for a type. */
function hasValue(symbol: ts.Symbol | undefined, checker: ts.TypeChecker): boolean {
  const target = symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  return !target || Boolean(target.flags & ts.SymbolFlags.Value);
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
