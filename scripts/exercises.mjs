// npm run exercises: makes the students' editions of the exercises from the editions with solutions.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { studentsEdition } from './exercises/students-edition.mjs';
import { readOptions } from './options.mjs';
import { root } from './paths.mjs';

readOptions(
  "Usage: npm run exercises\n\nMakes the students' editions of the exercises, without solutions, from the editions with them.",
  {},
);

const folder = join(root, 'notebooks', 'exercises');
const editions = /** @type {const} */ ([
  ['en', folder],
  ['ko', join(folder, 'ko')],
]);
for (const [language, path] of editions) {
  const source = JSON.parse(readFileSync(join(path, 'solutions.ipynb'), 'utf8'));
  const students = join(path, 'exercises.ipynb');
  writeFileSync(`${students}.tmp`, `${JSON.stringify(studentsEdition(source, language), null, 1)}\n`);
  renameSync(`${students}.tmp`, students);
  console.log(`wrote ${relative(root, students)}`);
}
