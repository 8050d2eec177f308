import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CodeOutput {
  output_type: 'stream' | 'display_data' | 'execute_result' | 'error';
  name?: 'stdout' | 'stderr';
  text?: string | string[];
  data?: Record<string, string | string[] | object>;
}

interface CellBase {
  id: string;
  source: string;
  metadata: { tags?: string[] };
}

export interface CodeCell extends CellBase {
  cell_type: 'code';
  execution_count: number | null;
  outputs: CodeOutput[];
}

export type Cell = CodeCell | (CellBase & { cell_type: 'markdown' });

export interface Notebook {
  metadata: { kernelspec: { name: string }; lang?: string };
  cells: Cell[];
}

/** The cells of the lecture that show a figure of plotly. */
export const FIGURES = [
  ...['first-image', 'sample-grid', 'one-hot-figure', 'softmax', 'activations', 'cross-entropy', 'gradient-descent'],
  ...['history', 'first-digit', 'first-probabilities', 'confusion', 'wrong-grid', 'wrong-digit', 'wrong-probabilities'],
];

export const root = join(__dirname, '..', '..');

/** The editions of the lecture, by language. */
export const EDITIONS = {
  en: join(root, 'notebooks', 'mnist-dense.ipynb'),
  ko: join(root, 'notebooks', 'ko', 'mnist-dense.ipynb'),
};

/** Reads a notebook, by default the committed lecture in English, with each source as one string. */
export function readNotebook(path = EDITIONS.en): Notebook {
  const notebook = JSON.parse(readFileSync(path, 'utf8')) as Notebook;
  return { ...notebook, cells: notebook.cells.map((cell) => ({ ...cell, source: joined(cell.source) })) };
}

/** The text that a cell printed. */
export function streamText(cell: CodeCell, stream: 'stdout' | 'stderr' = 'stdout'): string {
  return cell.outputs
    .filter(({ name }) => name === stream)
    .map(({ text }) => joined(text ?? ''))
    .join('');
}

/** The plain text of a cell's outputs, such as the description of a figure. */
export function shownText({ outputs }: CodeCell): string {
  return outputs.map(({ data }) => joined((data?.['text/plain'] ?? '') as string)).join('');
}

/** Joins a text, which the notebook format stores as a string or a list of lines. */
export function joined(text: string | string[]): string {
  return [text].flat().join('');
}
