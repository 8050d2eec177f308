// Every top-level declaration of a cell becomes a `let`. V8 allows a later cell to declare a `let` again, and functions of
// earlier cells see the new value. A `var`, a function or a `const` could not be declared again as another kind.
import * as ts from 'typescript';
import { nameInCell } from './shadowed-globals';
import { letStatement } from './syntax';

const { factory } = ts;

/** Runs on the emitted JavaScript, in which enums and namespaces are variables and functions. */
export function declareWithLet(isBound: (name: string) => boolean): ts.TransformerFactory<ts.SourceFile> {
  return (context) => (file) => {
    const functions: ts.Statement[] = [];
    const rest: ts.Statement[] = [];
    const declared = new Set<string>();
    const hoisted = new Set<string>();

    /** A `var` in a block belongs to the whole cell: it is declared at the start, and assigned in its place. */
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
        continue; // the `export {}` that TypeScript adds to a module
      }
      if (ts.isFunctionDeclaration(statement) && statement.name) {
        const { modifiers, asteriskToken, name, parameters, body } = statement;
        const value = factory.createFunctionExpression(
          modifiers as ts.NodeArray<ts.Modifier> | undefined,
          asteriskToken,
          ownName(name),
          undefined,
          parameters,
          undefined,
          body!,
        );
        declared.add(name.text);
        functions.push(ts.setTextRange(letStatement(name, ts.setTextRange(value, statement)), statement));
      } else if (ts.isClassDeclaration(statement) && statement.name) {
        const { modifiers, name, heritageClauses, members } = statement;
        const value = factory.createClassExpression(
          modifiers,
          ownName(name) ?? name,
          undefined,
          heritageClauses,
          members,
        );
        declared.add(name.text);
        rest.push(ts.setTextRange(letStatement(name, ts.setTextRange(value, statement)), statement));
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
      .filter((name) => !declared.has(name) && !isBound(name))
      .map((name) => letStatement(factory.createIdentifier(name)));
    return factory.updateSourceFile(file, [...first, ...functions, ...rest]);
  };
}

/** The name of a function or a class, if its variable has another name in V8. */
function ownName({ text }: ts.Identifier): ts.Identifier | undefined {
  const name = nameInCell(text);
  return name === text ? undefined : factory.createIdentifier(name);
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

/** Turns the pattern of a declaration, such as `{ a, b: [c] }`, into one that can be assigned to. */
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
