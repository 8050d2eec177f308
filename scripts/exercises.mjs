// npm run exercises: makes the students' editions of the exercises from the editions with solutions.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { studentsEdition } from './exercises/students-edition.mjs';
import { readOptions } from './options.mjs';
import { exercises, root } from './paths.mjs';

readOptions(
  "Usage: npm run exercises\n\nMakes the students' editions of the exercises, without solutions, from the editions with them.",
  {},
);

for (const [language, students] of Object.entries(exercises)) {
  const source = JSON.parse(readFileSync(join(dirname(students), 'solutions.ipynb'), 'utf8'));
  const edition = studentsEdition(source, /** @type {keyof typeof exercises} */ (language));
  writeFileSync(`${students}.tmp`, `${JSON.stringify(edition, null, 1)}\n`);
  renameSync(`${students}.tmp`, students);
  console.log(`wrote ${relative(root, students)}`);
}
