// From TypeScript to what V8 runs. Types go, names stay as typed, and every declaration of a cell becomes a `let`: V8 lets
// a `let` be declared again by a later cell, and functions of earlier cells see its new value. A `var`, a function or a
// `const` could not become anything else later.
import * as ts from 'typescript';

/** What the code of a cell calls; globals.ts puts it there. */
export const CELL = '__cell__';

export interface Compiled {
  code: string;
  /** From the lines of the code to those of the cell; as JSON, for few are ever read. */
  map: string;
  /** Whether the cell ends with an expression. */
  hasValue: boolean;
}

/** V8 reads the code one line further down than TypeScript wrote it. */
const PREFIX = "'use strict';\n";
export const PREFIX_LINES = 1;

/**
 * Compiles a cell that has been checked.
 *
 * @param isBound whether an earlier cell has declared a name, so that it can be assigned.
 */
export function compile(program: ts.Program, file: ts.SourceFile, isBound: (name: string) => boolean): Compiled {
  let [code, map] = ['', ''];
  const write = (path: string, text: string): void => {
    if (path.endsWith('.map')) {
      map = text;
    } else {
      code = text;
    }
  };
  const checker = program.getTypeChecker();
  program.emit(file, write, undefined, false, {
    before: [importAndStop(checker), besideGlobals(checker, file)],
    after: [declareWithLet(isBound)],
  });
  const last = file.statements.at(-1);
  return {
    code: PREFIX + code.replace(/\/\/# sourceMappingURL=.*\s*$/, '').replace(/^#!.*/, ''), // which may only begin a file
    map,
    hasValue: Boolean(last && (ts.isExpressionStatement(last) || ts.isExportAssignment(last))),
  };
}

const { factory } = ts;

/** `__cell__.name` */
function cellProperty(name: string): ts.Expression {
  return factory.createPropertyAccessExpression(factory.createIdentifier(CELL), name);
}

function call(name: string, ...args: ts.Expression[]): ts.CallExpression {
  return factory.createCallExpression(cellProperty(name), undefined, args);
}

function declaration(name: ts.BindingName, value?: ts.Expression): ts.VariableStatement {
  const list = factory.createVariableDeclarationList(
    [factory.createVariableDeclaration(name, undefined, undefined, value)],
    ts.NodeFlags.Let,
  );
  return factory.createVariableStatement(undefined, list);
}

/** Imports become declarations, exports lose their `export`, and code that awaits ends when its cell was stopped. */
function importAndStop(checker: ts.TypeChecker): ts.TransformerFactory<ts.SourceFile> {
  return (context) => {
    const visit = (node: ts.Node): ts.VisitResult<ts.Node> => {
      if (ts.isTryStatement(node) && node.finallyBlock) {
        // What tidies up is not stopped.
        const finallyBlock = ts.visitEachChild(node.finallyBlock, visitUnstopped, context);
        return factory.updateTryStatement(
          node,
          ts.visitNode(node.tryBlock, visit, ts.isBlock),
          ts.visitNode(node.catchClause, visit, ts.isCatchClause),
          finallyBlock,
        );
      }
      const visited = ts.visitEachChild(node, visit, context);
      if (ts.isBlock(visited) || ts.isModuleBlock(visited)) {
        return withChecks(visited);
      }
      if (ts.isIterationStatement(visited, false) && awaits(node)) {
        return loopWithCheck(visited);
      }
      return imported(visited);
    };
    const visitUnstopped = (node: ts.Node): ts.Node => imported(ts.visitEachChild(node, visitUnstopped, context));

    return (file) => {
      const [imports, rest]: [ts.Statement[], ts.Statement[]] = [[], []];
      const last = file.statements.at(-1);
      for (const statement of file.statements) {
        if (ts.isImportDeclaration(statement)) {
          imports.push(...importStatements(statement, checker).map((made) => ts.setTextRange(made, statement)));
          continue;
        }
        const plain = withoutExport(statement, checker);
        for (const each of plain) {
          const visited = ts.visitNode(each, visit) as ts.Statement;
          rest.push(each === statement ? visited : ts.setTextRange(visited, statement));
        }
        if (statement !== last && needsCheck(statement)) {
          rest.push(checkStatement());
        }
      }
      return factory.updateSourceFile(file, [...imports, ...rest]);
    };
  };
}

/** `import(x)` and `import.meta` belong to modules: V8 knows them in no other code. */
function imported(node: ts.Node): ts.Node {
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return ts.setTextRange(call('import', ...node.arguments), node);
  }
  if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword) {
    return ts.setTextRange(cellProperty('meta'), node);
  }
  return node;
}

function importStatements(
  { moduleSpecifier, importClause }: ts.ImportDeclaration,
  checker: ts.TypeChecker,
): ts.Statement[] {
  const module = (): ts.Expression => factory.createAwaitExpression(call('import', moduleSpecifier));
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
  const statements = bindings.length > 0 ? [declaration(factory.createObjectBindingPattern(bindings), module())] : [];
  if (namedBindings && ts.isNamespaceImport(namedBindings) && isValue(namedBindings.name)) {
    statements.push(declaration(namedBindings.name, module()));
  }
  return statements;
}

function hasValue(symbol: ts.Symbol | undefined, checker: ts.TypeChecker): boolean {
  const meant = symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  return !meant || Boolean(meant.flags & ts.SymbolFlags.Value);
}

/** A cell exports to all cells after it anyway. */
function withoutExport(statement: ts.Statement, checker: ts.TypeChecker): ts.Statement[] {
  if (ts.isExportAssignment(statement)) {
    return [factory.createExpressionStatement(statement.expression)];
  }
  if (ts.isExportDeclaration(statement)) {
    const { moduleSpecifier, isTypeOnly } = statement;
    return moduleSpecifier && !isTypeOnly
      ? [factory.createExpressionStatement(factory.createAwaitExpression(call('import', moduleSpecifier)))]
      : [];
  }
  if (ts.isImportEqualsDeclaration(statement)) {
    const { moduleReference, name, isTypeOnly } = statement;
    if (isTypeOnly || !hasValue(checker.getSymbolAtLocation(name), checker)) {
      return [];
    }
    const value = ts.isExternalModuleReference(moduleReference)
      ? call('require', moduleReference.expression)
      : entityExpression(moduleReference);
    return [declaration(name, value)];
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

function entityExpression(name: ts.EntityName): ts.Expression {
  return ts.isIdentifier(name) ? name : factory.createPropertyAccessExpression(entityExpression(name.left), name.right);
}

function checkStatement(): ts.Statement {
  return factory.createExpressionStatement(call('check'));
}

/** Whether a statement is followed by a look at whether its cell was stopped. */
function needsCheck(statement: ts.Node): boolean {
  return (ts.isExpressionStatement(statement) || ts.isVariableStatement(statement)) && awaits(statement);
}

/** Whether a node awaits something itself, not in a function that it holds. */
export function awaits(node: ts.Node): boolean {
  if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier)) {
    return true;
  }
  return Boolean(ts.forEachChild(node, (child) => (ts.isFunctionLike(child) ? undefined : awaits(child) || undefined)));
}

function withChecks<T extends ts.Block | ts.ModuleBlock>(block: T): T {
  if (!block.statements.some(needsCheck)) {
    return block;
  }
  const statements = block.statements.flatMap((statement) =>
    needsCheck(statement) ? [statement, checkStatement()] : [statement],
  );
  const updated = ts.isBlock(block)
    ? factory.updateBlock(block, statements)
    : factory.updateModuleBlock(block, statements);
  return updated as T;
}

function loopWithCheck(loop: ts.IterationStatement): ts.Statement {
  const body = factory.createBlock(
    [checkStatement(), ...(ts.isBlock(loop.statement) ? loop.statement.statements : [loop.statement])],
    true,
  );
  if (ts.isForStatement(loop)) {
    return factory.updateForStatement(loop, loop.initializer, loop.condition, loop.incrementor, body);
  }
  if (ts.isForOfStatement(loop)) {
    return factory.updateForOfStatement(loop, loop.awaitModifier, loop.initializer, loop.expression, body);
  }
  if (ts.isForInStatement(loop)) {
    return factory.updateForInStatement(loop, loop.initializer, loop.expression, body);
  }
  if (ts.isWhileStatement(loop)) {
    return factory.updateWhileStatement(loop, loop.expression, body);
  }
  return factory.updateDoStatement(loop as ts.DoStatement, body, (loop as ts.DoStatement).expression);
}

/** Makes a cell's name another than a global's: zero-width and part of a name, so that nobody sees it or has typed it. */
const BESIDE = '\u200c';

/** Node's globals, the kernel's, and those by which libraries tell where they run. */
const GLOBAL_NAMES = new Set([
  ...Object.getOwnPropertyNames(globalThis),
  CELL,
  'window',
  'document',
  'self',
  'importScripts',
  'define',
]);

/** What a name of a cell is called in V8. */
export function nameInV8(name: string): string {
  return GLOBAL_NAMES.has(name) ? name + BESIDE : name;
}

type Locals = Map<ts.__String, ts.Symbol & { exportSymbol?: ts.Symbol }>;

/**
 * Lets cells declare what is a global, such as `setTimeout` of 'node:timers/promises', for themselves alone: V8 has one
 * scope for all scripts, and the kernel and all libraries would find the cell's.
 */
function besideGlobals(checker: ts.TypeChecker, cell: ts.SourceFile): ts.TransformerFactory<ts.SourceFile> {
  const scopes: Locals[] = [];
  for (let file: ts.Node | undefined = cell; file; file = file.parent) {
    scopes.push((file as { locals?: Locals }).locals ?? (new Map() as Locals));
  }
  const isCovered = (name: ts.Identifier): boolean => {
    if (!GLOBAL_NAMES.has(name.text) || !name.parent) {
      return false;
    }
    const isShorthand = ts.isShorthandPropertyAssignment(name.parent);
    const symbol = isShorthand
      ? checker.getShorthandAssignmentValueSymbol(name.parent)
      : checker.getSymbolAtLocation(name);
    const isOfCell = scopes
      .map((scope) => scope.get(name.escapedText))
      .some((own) => own && [own, own.exportSymbol].includes(symbol));
    return (
      isOfCell && symbol!.declarations!.some((each) => !(ts.getCombinedModifierFlags(each) & ts.ModifierFlags.Ambient))
    );
  };
  const renamed = (name: ts.Identifier): ts.Identifier =>
    ts.setTextRange(factory.createIdentifier(nameInV8(name.text)), name);

  return (context) => (file) => {
    const visit = (node: ts.Node): ts.Node => {
      if (ts.isIdentifier(node)) {
        return isCovered(node) ? renamed(node) : node;
      }
      if (ts.isShorthandPropertyAssignment(node) && isCovered(node.name)) {
        const { name, objectAssignmentInitializer: initial } = node;
        const value = initial
          ? factory.createAssignment(renamed(name), ts.visitNode(initial, visit) as ts.Expression)
          : renamed(name);
        return ts.setTextRange(factory.createPropertyAssignment(name.text, value), node);
      }
      if (
        ts.isBindingElement(node) &&
        !node.propertyName &&
        !node.dotDotDotToken &&
        ts.isIdentifier(node.name) &&
        isCovered(node.name)
      ) {
        const initial = ts.visitNode(node.initializer, visit) as ts.Expression | undefined;
        const isOfArray = node.parent && ts.isArrayBindingPattern(node.parent);
        return factory.updateBindingElement(
          node,
          undefined,
          isOfArray ? undefined : factory.createIdentifier(node.name.text),
          renamed(node.name),
          initial,
        );
      }
      return ts.visitEachChild(node, visit, context);
    };
    return scopes.some((scope) =>
      [...scope.keys()].some((name) => GLOBAL_NAMES.has(ts.unescapeLeadingUnderscores(name))),
    )
      ? ts.visitEachChild(file, visit, context)
      : file;
  };
}

/** Works on JavaScript: enums and namespaces are variables and functions by now. */
function declareWithLet(isBound: (name: string) => boolean): ts.TransformerFactory<ts.SourceFile> {
  return (context) => (file) => {
    const functions: ts.Statement[] = [];
    const rest: ts.Statement[] = [];
    const declared = new Set<string>();
    const hoisted = new Set<string>();

    /** A `var` within a block belongs to the whole cell: it is declared first, and assigned where it stands. */
    const visitVar = (node: ts.Node): ts.VisitResult<ts.Node> => {
      if (ts.isFunctionLike(node) || ts.isClassLike(node)) {
        return node;
      }
      if (ts.isVariableStatement(node) && isVar(node.declarationList)) {
        const assigned = assignments(node.declarationList);
        return assigned
          ? ts.setTextRange(factory.createExpressionStatement(assigned), node)
          : factory.createEmptyStatement();
      }
      if (
        ts.isForStatement(node) &&
        node.initializer &&
        ts.isVariableDeclarationList(node.initializer) &&
        isVar(node.initializer)
      ) {
        const initializer = assignments(node.initializer);
        const { condition, incrementor, statement } = node;
        return ts.visitEachChild(
          factory.updateForStatement(node, initializer, condition, incrementor, statement),
          visitVar,
          context,
        );
      }
      if (
        (ts.isForOfStatement(node) || ts.isForInStatement(node)) &&
        ts.isVariableDeclarationList(node.initializer) &&
        isVar(node.initializer)
      ) {
        const { name } = node.initializer.declarations[0];
        namesIn(name).forEach((each) => hoisted.add(each));
        const updated = ts.isForOfStatement(node)
          ? factory.updateForOfStatement(
              node,
              node.awaitModifier,
              assignmentTarget(name),
              node.expression,
              node.statement,
            )
          : factory.updateForInStatement(node, assignmentTarget(name), node.expression, node.statement);
        return ts.visitEachChild(updated, visitVar, context);
      }
      return ts.visitEachChild(node, visitVar, context);
    };
    const assignments = ({ declarations }: ts.VariableDeclarationList): ts.Expression | undefined => {
      declarations.forEach(({ name }) => namesIn(name).forEach((each) => hoisted.add(each)));
      const assigned = declarations
        .filter(({ initializer }) => initializer)
        .map(
          (each) =>
            ts.setTextRange(
              factory.createAssignment(assignmentTarget(each.name), each.initializer!),
              each,
            ) as ts.Expression,
        );
      return assigned.length > 0 ? assigned.reduce((left, right) => factory.createComma(left, right)) : undefined;
    };

    for (const statement of file.statements) {
      if (ts.isExportDeclaration(statement)) {
        continue; // `export {}`, with which TypeScript marks a module
      }
      if (ts.isFunctionDeclaration(statement) && statement.name) {
        const { modifiers, asteriskToken, name, parameters, body } = statement;
        const value = factory.createFunctionExpression(
          modifiers as ts.NodeArray<ts.Modifier> | undefined,
          asteriskToken,
          undefined,
          undefined,
          parameters,
          undefined,
          body!,
        );
        declared.add(name.text);
        functions.push(ts.setTextRange(declaration(name, ts.setTextRange(value, statement)), statement));
      } else if (ts.isClassDeclaration(statement) && statement.name) {
        const { modifiers, name, heritageClauses, members } = statement;
        const value = factory.createClassExpression(modifiers, name, undefined, heritageClauses, members);
        declared.add(name.text);
        rest.push(ts.setTextRange(declaration(name, ts.setTextRange(value, statement)), statement));
      } else if (ts.isVariableStatement(statement)) {
        const names = statement.declarationList.declarations.flatMap(({ name }) => namesIn(name));
        if (isVar(statement.declarationList) && names.some((name) => declared.has(name))) {
          rest.push(ts.visitNode(statement, visitVar) as ts.Statement); // declared twice
        } else {
          names.forEach((name) => declared.add(name));
          const list = factory.createVariableDeclarationList(statement.declarationList.declarations, ts.NodeFlags.Let);
          rest.push(
            factory.updateVariableStatement(statement, undefined, ts.setTextRange(list, statement.declarationList)),
          );
        }
      } else {
        rest.push(ts.visitNode(statement, visitVar) as ts.Statement);
      }
    }
    const first = [...hoisted]
      .filter((name) => !declared.has(name) && !isBound(name.replace(BESIDE, '')))
      .map((name) => declaration(factory.createIdentifier(name)));
    return factory.updateSourceFile(file, [...first, ...functions, ...rest]);
  };
}

function isVar({ flags }: ts.VariableDeclarationList): boolean {
  return (flags & ts.NodeFlags.BlockScoped) === 0;
}

function namesIn(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) {
    return [name.text];
  }
  return name.elements.flatMap((element) => (ts.isBindingElement(element) ? namesIn(element.name) : []));
}

/** `{ a, b: [c] }` to be assigned, from `{ a, b: [c] }` to be declared. */
function assignmentTarget(name: ts.BindingName): ts.Expression {
  if (ts.isIdentifier(name)) {
    return name;
  }
  const withDefault = ({ name: inner, initializer }: ts.BindingElement): ts.Expression =>
    initializer ? factory.createAssignment(assignmentTarget(inner), initializer) : assignmentTarget(inner);
  if (ts.isArrayBindingPattern(name)) {
    const elements = name.elements.map((element) => {
      if (ts.isOmittedExpression(element)) {
        return element;
      }
      return element.dotDotDotToken
        ? factory.createSpreadElement(assignmentTarget(element.name))
        : withDefault(element);
    });
    return factory.createArrayLiteralExpression(elements);
  }
  const properties = name.elements.map((element) => {
    if (element.dotDotDotToken) {
      return factory.createSpreadAssignment(assignmentTarget(element.name));
    }
    return !element.propertyName && ts.isIdentifier(element.name)
      ? factory.createShorthandPropertyAssignment(element.name, element.initializer)
      : factory.createPropertyAssignment(element.propertyName!, withDefault(element));
  });
  return factory.createObjectLiteralExpression(properties);
}
