// npm test: set-up, types, style, all tests. The last line says how many tests passed and failed, as jest counted them.
// npm run test:quick leaves out all tests that start a kernel, a browser or a script of the project.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { nodeModules, packages, root } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';

const SLOWEST_SHOWN = 10;
/** The folders of quick tests, and the helpers that make a test slow. */
const QUICK = /^test\/(lib\/|notebooks\/form)/;
const SLOW_HELPERS = /helpers\/(browser|kernel)'/;

const [first, ...rest] = process.argv.slice(2);
if (['--help', '-h'].includes(first)) {
  console.log(
    'Usage: npm test [-- OPTIONS OF JEST]\n\nSet-up, types, style and tests; `npm run test:quick` leaves out the slow tests.',
  );
  process.exit(0);
}
const isQuick = first === '--quick';
const jestArguments = isQuick ? [...quickTests(), ...rest] : process.argv.slice(2);

await setUpOrExit();

// By path, as tslab's older TypeScript claims the name tsc in node_modules/.bin.
const tsc = ['typescript', 'bin', 'tsc'];
const projects = [
  ...packages.map(({ name, project }) => [`the ${name}`, project]),
  ...Object.entries({
    'the part in the page': 'lib/page',
    'the tests': 'test',
    'the scripts': 'scripts',
    "JupyterLab's extension": 'labextension',
  }),
];
// Lint takes as long as all other checks.
const isChecked = (await Promise.all([lint(), otherChecks()])).flat().every(Boolean);

const folder = mkdtempSync(join(tmpdir(), 'mnist-lecture-'));
const results = join(folder, 'results.json');
const isTested = await run('Tests', ['jest', 'bin', 'jest.js'], '--json', `--outputFile=${results}`, ...jestArguments);
if (!existsSync(results)) {
  console.error('No test was run: jest failed before, as said above.');
  process.exit(1);
}
/** @type {import('@jest/test-result').FormattedTestResults} */
const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(results, 'utf8'));
rmSync(folder, { recursive: true });

process.exitCode = isChecked && isTested ? 0 : 1;
printSlowest();
// A file that does not even load has no test that could fail: it counts as one.
const unloaded = testResults.filter(({ assertionResults, status }) => status === 'failed' && !assertionResults.length);
console.log(`${numPassedTests} passed, ${numFailedTests + unloaded.length + (isChecked ? 0 : 1)} failed`);

function quickTests() {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }).map((name) =>
    join('test', name),
  );
  return files
    .filter((file) => QUICK.test(file) && file.endsWith('.test.ts'))
    .filter((file) => !SLOW_HELPERS.test(readFileSync(join(root, file), 'utf8')));
}

function lint() {
  return run('Lint', ['eslint', 'bin', 'eslint.js'], '.');
}

async function otherChecks() {
  const isRight = [];
  for (const [what, project] of projects) {
    isRight.push(await run(`Types of ${what}`, tsc, '--noEmit', '--project', project));
  }
  return [...isRight, await run('Format', ['prettier', 'bin', 'prettier.cjs'], '--check', '--log-level=warn', '.')];
}

/**
 * Runs a package's script.
 *
 * @param {string} title
 * @param {string[]} script its package and its path in there.
 * @param {string[]} args
 */
async function run(title, [packageName, ...path], ...args) {
  console.log(`${title} ...`);
  const script = join(nodeModules, packageName, ...path);
  const [status] = await once(spawn(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' }), 'close');
  return status === 0;
}

function printSlowest() {
  const durations = testResults.map(({ name, startTime, endTime }) => ({
    seconds: (endTime - startTime) / 1000,
    file: relative(root, name),
  }));
  const slowest = durations.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST_SHOWN);
  console.log('The slowest files, in seconds:');
  slowest.forEach(({ seconds, file }) => console.log(`${seconds.toFixed(0).padStart(5)}  ${file}`));
}
