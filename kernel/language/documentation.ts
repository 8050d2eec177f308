// Documentation comments. TypeScript loads the types of packages a fifth faster without them, and they are needed only for
// inspection, so they are parsed then.
import * as ts from 'typescript';

/** Where TypeScript keeps the documentation of a node, and what it has found there. */
type Documented = ts.Node & { jsDoc?: ts.JSDoc[]; jsDocCache?: readonly ts.JSDocTag[] };

const PACKAGE = /^.*\/node_modules\/(@[^/]+\/)?[^/]+\//;
const packageOf = (path: string): string => PACKAGE.exec(path)?.[0] ?? '';

const documented = new WeakSet<ts.SourceFile>();

/** Parses the documentation of the name at an offset: of its whole package, since members inherit documentation. */
export function loadDocumentation(services: ts.LanguageService, path: string, offset: number): void {
  const definitions = services.getDefinitionAtPosition(path, offset) ?? [];
  const packages = new Set(definitions.map(({ fileName }) => packageOf(fileName)));
  const files = services.getProgram()!.getSourceFiles();
  files
    .filter((file) => packages.has(packageOf(file.fileName)) && !documented.has(file))
    .forEach((file) => {
      copyDocumentation(ts.createSourceFile(file.fileName, file.text, file.languageVersion, true), file);
      documented.add(file);
    });
}

/** Copies the documentation of a node and of all nodes inside it. */
function copyDocumentation(from: Documented, to: Documented): void {
  if (from.jsDoc) {
    to.jsDoc = from.jsDoc;
    to.jsDoc.forEach((comment) => ((comment as { parent: ts.Node }).parent = to));
    delete to.jsDocCache;
  }
  const children: ts.Node[] = [];
  ts.forEachChild(from, (child) => void children.push(child));
  let index = 0;
  ts.forEachChild(to, (child) => copyDocumentation(children[index++], child));
}
