// Lets code that awaits, in cells and in the user's own files, end when its cell was stopped. A check follows each statement
// that awaits and begins the body of each loop that awaits. The check throws if the cell was stopped.
import * as ts from 'typescript';
import { cellCall } from './syntax';

const { factory } = ts;

export const stopChecks: ts.TransformerFactory<ts.SourceFile> = (context) => {
  const visit = (node: ts.Node): ts.Node => {
    if (ts.isTryStatement(node) && node.finallyBlock) {
      // A `finally` block has no checks, so clean-up runs to its end.
      return factory.updateTryStatement(
        node,
        ts.visitNode(node.tryBlock, visit, ts.isBlock),
        ts.visitNode(node.catchClause, visit, ts.isCatchClause),
        node.finallyBlock,
      );
    }
    const visited = ts.visitEachChild(node, visit, context);
    if (ts.isBlock(visited) || ts.isModuleBlock(visited)) {
      return withChecks(visited);
    }
    if (ts.isIterationStatement(visited, false) && awaits(node)) {
      return loopWithCheck(visited);
    }
    return visited;
  };

  return (file) => {
    const last = file.statements.at(-1); // without a check: its value is the cell's
    const statements = file.statements.flatMap((statement) => {
      const visited = ts.visitNode(statement, visit) as ts.Statement;
      return statement !== last && needsCheck(statement) ? [visited, checkStatement()] : [visited];
    });
    return factory.updateSourceFile(file, statements);
  };
};

/** `__cell__.check();` */
function checkStatement(): ts.Statement {
  return factory.createExpressionStatement(cellCall('check'));
}

/** Whether a check follows a statement. */
function needsCheck(statement: ts.Node): boolean {
  return (ts.isExpressionStatement(statement) || ts.isVariableStatement(statement)) && awaits(statement);
}

/** Whether a node contains an `await` that is not in a nested function. */
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
