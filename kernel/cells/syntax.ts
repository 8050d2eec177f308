// Pieces of syntax that the steps of the compiler insert into a cell.
import * as ts from 'typescript';

/** The global object whose functions compiled cells call; globals.ts defines it. */
export const CELL = '__cell__';

const { factory } = ts;

/** `__cell__.name` */
export function cellProperty(name: string): ts.Expression {
  return factory.createPropertyAccessExpression(factory.createIdentifier(CELL), name);
}

/** `__cell__.name(...args)` */
export function cellCall(name: string, ...args: ts.Expression[]): ts.CallExpression {
  return factory.createCallExpression(cellProperty(name), undefined, args);
}

/** `let name = value;` */
export function letStatement(name: ts.BindingName, value?: ts.Expression): ts.VariableStatement {
  const list = factory.createVariableDeclarationList(
    [factory.createVariableDeclaration(name, undefined, undefined, value)],
    ts.NodeFlags.Let,
  );
  return factory.createVariableStatement(undefined, list);
}
