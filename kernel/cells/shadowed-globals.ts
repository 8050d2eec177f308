// Lets a cell declare a name that is also a global's, such as `setTimeout` of 'node:timers/promises'. V8 has one scope for
// all scripts, so the kernel and all libraries would find the cell's variable instead of the global. Such a variable gets
// another name in V8.
import * as ts from 'typescript';
import { CELL } from './syntax';

const { factory } = ts;

/** A zero-width character that is legal in names: it renames a variable invisibly. */
const SUFFIX = '\u200c';

/** Node's globals, the kernel's, and those by which libraries detect a browser or a module loader. */
const GLOBAL_NAMES = new Set([
  ...Object.getOwnPropertyNames(globalThis),
  CELL,
  'window',
  'document',
  'self',
  'importScripts',
  'define',
]);

/** The name in V8 of a cell's variable. */
export function nameInV8(name: string): string {
  return GLOBAL_NAMES.has(name) ? name + SUFFIX : name;
}

/** The inverse of `nameInV8`. */
export function nameInCell(name: string): string {
  return name.replace(SUFFIX, '');
}

type Locals = Map<ts.__String, ts.Symbol & { exportSymbol?: ts.Symbol }>;

export function renameShadowedGlobals(
  checker: ts.TypeChecker,
  cell: ts.SourceFile,
): ts.TransformerFactory<ts.SourceFile> {
  const scopes: Locals[] = [];
  for (let file: ts.Node | undefined = cell; file; file = file.parent) {
    scopes.push((file as { locals?: Locals }).locals ?? (new Map() as Locals));
  }
  const isShadowing = (name: ts.Identifier): boolean => {
    if (!GLOBAL_NAMES.has(name.text) || !name.parent) {
      return false;
    }
    const isShorthand = ts.isShorthandPropertyAssignment(name.parent);
    const symbol = isShorthand
      ? checker.getShorthandAssignmentValueSymbol(name.parent)
      : checker.getSymbolAtLocation(name);
    const isDeclaredByCell = scopes
      .map((scope) => scope.get(name.escapedText))
      .some((own) => own && [own, own.exportSymbol].includes(symbol));
    return (
      isDeclaredByCell &&
      symbol!.declarations!.some((each) => !(ts.getCombinedModifierFlags(each) & ts.ModifierFlags.Ambient))
    );
  };
  const renamed = (name: ts.Identifier): ts.Identifier =>
    ts.setTextRange(factory.createIdentifier(nameInV8(name.text)), name);

  return (context) => (file) => {
    const visit = (node: ts.Node): ts.Node => {
      if (ts.isIdentifier(node)) {
        return isShadowing(node) ? renamed(node) : node;
      }
      if (ts.isShorthandPropertyAssignment(node) && isShadowing(node.name)) {
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
        isShadowing(node.name)
      ) {
        const initial = ts.visitNode(node.initializer, visit) as ts.Expression | undefined;
        const isInArrayPattern = node.parent && ts.isArrayBindingPattern(node.parent);
        return factory.updateBindingElement(
          node,
          undefined,
          isInArrayPattern ? undefined : factory.createIdentifier(node.name.text),
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
