// npm test: set-up, types, lint, all tests. The last line says how many tests passed and failed, as jest counted them.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeModules, packages, root } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';

await setUpOrExit();

// By path, as tslab's older TypeScript claims the name tsc in node_modules/.bin.
const tsc = ['typescript', 'bin', 'tsc'];
const checked = [
  ...packages.map(({ name, project }) => run(`Types of the ${name}`, tsc, '--noEmit', '--project', project)),
  run('Types of the tests', tsc, '--project', 'test'),
  run('Lint', ['eslint', 'bin', 'eslint.js'], '.'),
  run('Format', ['prettier', 'bin', 'prettier.cjs'], '--check', '--log-level=warn', '.'),
].every(Boolean);

const folder = mkdtempSync(join(tmpdir(), 'mnist-lecture-'));
const results = join(folder, 'results.json');
const tested = run('Tests', ['jest', 'bin', 'jest.js'], '--json', `--outputFile=${results}`, ...process.argv.slice(2));
const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(results, 'utf8'));
rmSync(folder, { recursive: true });

process.exitCode = checked && tested ? 0 : 1;
// A file that does not even load has no test that could fail: it counts as one.
const unloaded = testResults.filter(({ assertionResults, status }) => status === 'failed' && !assertionResults.length);
console.log(`${numPassedTests} passed, ${numFailedTests + unloaded.length + (checked ? 0 : 1)} failed`);

function run(title, [packageName, ...path], ...args) {
  console.log(`${title} ...`);
  const script = join(nodeModules, packageName, ...path);
  return spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' }).status === 0;
}
