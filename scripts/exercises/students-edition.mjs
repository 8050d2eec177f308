/** @typedef {{ cell_type: string, id: string, source: string[], metadata: Metadata, outputs?: object[], execution_count?: null }} Cell */
/** @typedef {{ nbgrader?: { solution: boolean, locked: boolean }, editable?: boolean, deletable?: boolean }} Metadata */
/** @typedef {{ cells: Cell[] }} Notebook */

/** What the students' edition says in place of the teacher's note, and in place of each solution. */
const TEXTS = {
  en: {
    edition:
      "*The students' edition.* Wherever a cell says `YOUR CODE HERE`, replace this line and the next one by your own code.",
    stub: ['// YOUR CODE HERE', "throw new Error('not written yet');"],
  },
  ko: {
    edition: '*학생용입니다.* `여기에 코드를 쓰세요`라고 된 줄과 그다음 줄을 지우고 그 자리에 여러분의 코드를 쓰세요.',
    stub: ['// 여기에 코드를 쓰세요', "throw new Error('아직 작성하지 않았습니다');"],
  },
};

/**
 * Makes the students' edition of the exercises: without solutions, hidden tests and outputs, as nbgrader's release does it.
 *
 * @param {Notebook} notebook the edition with solutions.
 * @param {keyof typeof TEXTS} language
 * @returns {Notebook}
 * @throws {Error} if a cell has a `BEGIN` without its `END`, or a solution without nbgrader's metadata.
 * @example const students = studentsEdition(JSON.parse(readFileSync('solutions.ipynb', 'utf8')), 'en');
 */
export function studentsEdition(notebook, language) {
  const { edition, stub } = TEXTS[language];
  const cells = notebook.cells.map((cell) => {
    if (cell.id === 'edition') {
      return { ...cell, source: [edition] };
    }
    if (cell.cell_type !== 'code') {
      return cell;
    }
    const { nbgrader } = cell.metadata;
    const code = cell.source.join('');
    const open = replaceRegions(code, 'SOLUTION', stub);
    const rest = replaceRegions(open, 'HIDDEN TESTS', []);
    if (/\/\/ (BEGIN|END) (SOLUTION|HIDDEN TESTS)/.test(rest)) {
      throw new Error(`The cell ${cell.id} has a BEGIN or an END alone (expected pairs, each on a line of its own).`);
    }
    if ((open !== code) !== Boolean(nbgrader?.solution)) {
      throw new Error(`The cell ${cell.id} has only one of solution and nbgrader's metadata of it (expected both).`);
    }
    const locks = nbgrader ? { deletable: false, ...(nbgrader.locked && { editable: false }) } : {};
    return {
      ...cell,
      metadata: { ...cell.metadata, ...locks },
      source: linesOf(rest),
      outputs: [],
      execution_count: null,
    };
  });
  return { ...notebook, cells };
}

/**
 * Replaces the lines from `// BEGIN name` to `// END name` by others, with the same indentation.
 *
 * @param {string} code
 * @param {string} name
 * @param {string[]} lines
 */
function replaceRegions(code, name, lines) {
  const region = new RegExp(`^( *)// BEGIN ${name}\\n[^]*?// END ${name}$\\n?`, 'gm');
  return code.replace(region, (_region, indent) => lines.map((line) => `${indent}${line}\n`).join('')).trimEnd();
}

/**
 * @param {string} text
 * @returns {string[]} its lines as in a notebook, each with its line feed.
 */
function linesOf(text) {
  return text.split(/(?<=\n)/);
}
