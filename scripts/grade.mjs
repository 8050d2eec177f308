// Grades the exercises: npm run grade -- COMMAND
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { environment } from './environment.mjs';
import { exercises, root, venv, workFolder } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';
import { setUpOwnVenv } from './setup/own-venv.mjs';
import { prepareWorkFolder } from './work.mjs';

const USAGE = `Usage: npm run grade -- COMMAND exercises

Runs nbgrader for the exercises, in the folder course. See grading/README.md. COMMAND is one of nbgrader's:

  generate_assignment --create   makes the students' edition in course/release, once
  zip_collect                    takes the notebooks that students handed in
  autograde --create             runs and grades them
  generate_feedback              writes a page for each student
  export                         writes the points to course/grades.csv (without 'exercises')

In a class on this machine (npm run classroom), run it as root, and instead of zip_collect:

  collect [--update]             takes the notebooks from the students' homes
  release_feedback               lays each student's page into the home
  release_assignment             hands out your own edition, into the homes

The Korean exercises are exercises-ko. Every other command of nbgrader works as well.
`;

const command = process.argv.slice(2);
if (command.length === 0 || ['--help', '-h'].includes(command[0])) {
  console.log(USAGE);
  process.exit(0);
}
const isClass = existsSync(join(root, 'classroom', 'state'));
if (isClass && process.getuid?.() !== 0) {
  console.error(
    "Only root can grade a class on this machine, because the exercises are in the students' homes: use `sudo npm run grade`.",
  );
  process.exit(1);
}
await setUpOrExit();
prepareWorkFolder();
const python = await setUpOwnVenv(join(root, 'grading'), 'nbgrader', 330);

// The teacher may change the exercises there: an assignment that exists is left as it is.
const course = join(workFolder, 'course');
mkdirSync(course, { recursive: true });
chmodSync(course, 0o700); // it holds solutions and grades
for (const [language, students] of Object.entries(exercises)) {
  const source = join(course, 'source', language === 'en' ? 'exercises' : `exercises-${language}`, 'exercises.ipynb');
  if (!existsSync(source)) {
    mkdirSync(dirname(source), { recursive: true });
    cpSync(join(dirname(students), 'solutions.ipynb'), source);
  }
}

const nbgrader = isClass ? [join(root, 'grading', 'grader.py')] : ['-m', 'nbgrader'];
const { status } = spawnSync(python, [...nbgrader, ...command], {
  cwd: course,
  stdio: 'inherit',
  env: {
    ...environment,
    PATH: [dirname(python), join(venv, 'bin'), process.env.PATH].join(delimiter),
    JUPYTER_CONFIG_PATH: join(root, 'grading'), // where nbgrader_config.py is
    ...(isClass && { PYTHONPATH: join(root, 'classroom') }),
  },
});
process.exitCode = status ?? 1;
