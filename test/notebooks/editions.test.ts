// What the tests of the English edition find holds for the Korean one, too: these tests hold the two together.
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';
import { type Cell, type CodeCell, EDITIONS, joined, readNotebook } from '../helpers/notebook';

const english = readNotebook(EDITIONS.en);
const korean = readNotebook(EDITIONS.ko);
const HANGUL = /[가-힣]/;

/** The cells of one type, each with its id and its cell in the other edition. */
function pairs<T extends Cell>(type: T['cell_type']): [id: string, en: T, ko: T][] {
  const of = (cells: Cell[]): T[] => cells.filter((cell): cell is T => cell.cell_type === type);
  return of(english.cells).map((cell, index) => [cell.id, cell, of(korean.cells)[index]]);
}

/** The tokens of code without its comments, and its strings apart from them, with `${}` in place of expressions. */
function parse(source: string): { tokens: string[]; strings: string[] } {
  const file = ts.createSourceFile('cell.ts', source, ts.ScriptTarget.ESNext, true);
  const [tokens, strings]: string[][] = [[], []];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) {
      strings.push(node.text);
    } else if (ts.isTemplateExpression(node)) {
      strings.push([node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('${}'));
    }
    const children = node.getChildren(file);
    children.forEach(visit);
    if (children.length === 0) {
      tokens.push(ts.isLiteralExpression(node) && !ts.isNumericLiteral(node) ? 'string' : withoutText(node, file));
    }
  };
  visit(file);
  return { tokens, strings };
}

const withoutText = (node: ts.Node, file: ts.SourceFile): string =>
  ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node) ? 'template' : node.getText(file);

const numbers = (text: string): string[] => text.match(/\d+(,\d{3})*(\.\d+)?/g) ?? [];
const CODE = /`[^`]+`/g;
const FORMULA = /\$\$[^$]+\$\$|\$[^$\n]+\$/g;

test('parse tells code from what a person reads', () => {
  const parts = parse("const a = `${n} of ${f('x')}`; // why");
  expect(parts.strings).toEqual(['${} of ${}', 'x']);
  expect(parts.tokens).toEqual(parse('const a = `일 ${ n } / ${f("y")}`;').tokens);
  expect(parts.tokens).not.toEqual(parse("const a = `${f('x')} of ${n}`;").tokens);
});

describe('the Korean edition', () => {
  test('has the cells of the English one, with the same ids, types and metadata', () => {
    const form = ({ id, cell_type, metadata }: Cell): object => {
      const others = Object.entries(metadata).filter(([name]) => name !== 'slideshow'); // in the English edition, for both
      return { id, cell_type, metadata: Object.fromEntries(others) };
    };
    expect(korean.cells.map(form)).toEqual(english.cells.map(form));
    expect(korean.metadata).toEqual({ ...english.metadata, lang: 'ko' });
  });

  test.each(pairs<CodeCell>('code'))('has the same code in %s, up to comments and texts', (_id, en, ko) => {
    const [own, original] = [parse(ko.source), parse(en.source)];
    expect(own.tokens).toEqual(original.tokens);
    original.strings.forEach((string, index) => {
      const text = own.strings[index];
      if (string.startsWith('file:')) {
        const folder = (path: string, address: string): string =>
          fileURLToPath(new URL(address.replace('file://', ''), pathToFileURL(`${dirname(path)}/`)));
        expect(folder(EDITIONS.ko, text)).toBe(folder(EDITIONS.en, string));
      } else if (!HANGUL.test(text)) {
        expect(text).toBe(string);
      }
    });
    expect(Math.max(...ko.source.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
  });

  test.each(pairs<CodeCell>('code'))('shows the same figures and numbers below %s', (_id, en, ko) => {
    expect(ko.execution_count).toBe(en.execution_count);
    const printed = (cell: CodeCell): unknown[] =>
      cell.outputs.map((output) => (output.text ? { ...output, text: numbers(joined(output.text)) } : output));
    expect(printed(ko)).toEqual(printed(en));
  });

  test.each(pairs<Cell & { cell_type: 'markdown' }>('markdown'))(
    'has in %s a Korean text with the same code, formulas and numbers',
    (_id, en, ko) => {
      expect(ko.source).toMatch(HANGUL);
      const all = (pattern: RegExp, { source }: Cell): string[] => [...new Set(source.match(pattern))].sort();
      expect(all(CODE, ko)).toEqual(all(CODE, en));
      expect(all(FORMULA, ko)).toEqual(all(FORMULA, en));

      const [own, original] = [ko, en].map(({ source }) => numbers(source.replace(CODE, '').replace(FORMULA, '')));
      const long = (quoted: string[]): string[] => quoted.filter((number) => number.replace(/^0\.|\D/g, '').length > 2);
      expect(long(own)).toEqual(long(original)); // in the same order, so that each stands for the same thing
      const added = [...own];
      original.forEach((number) => expect(added.splice(added.indexOf(number), 1)).toEqual([number]));
      expect(added.filter((number) => Number(number) > 10)).toEqual([]); // small numbers may be words in English
    },
  );
});
