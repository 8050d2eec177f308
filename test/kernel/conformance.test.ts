// The Jupyter project's conformance suite for kernels, with one test for each of its checks.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../helpers/notebook';
import { installPackages, python } from '../helpers/python';

const MINUTES = 60_000;
const conformance = join(root, 'test', 'conformance');

const CHECKS = [
  'test_kernel_info',
  'test_execute_stdout',
  'test_execute_stderr',
  'test_execute_result',
  'test_display_data',
  'test_error',
  'test_completion',
  'test_inspect',
  'test_is_complete',
  'test_history',
];

/** Checks that do not apply: the message with which the suite skips them, and why they do not apply. */
const SKIPPED = [
  ['test_pager', 'No code page something', 'nothing opens a pager'],
  ['test_clear_output', 'No code clear output', 'cells update a display in place and clear none'],
  ['test_recv_iopub_welcome_msg', 'Iopub welcome messages are not supported', 'an addition; no client needs it'],
];

let folder: string;
/** The skips and failures of each check. */
let outcomes: Record<string, string[]>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'conformance-'));
  const packages = join(folder, 'packages');
  installPackages('conformance', packages);
  const jupyter = { JUPYTER_DATA_DIR: folder, JUPYTER_CONFIG_DIR: folder, JUPYTER_PREFER_ENV_PATH: '1' };
  const { stdout, stderr } = spawnSync(python, [join(conformance, 'conformance.py')], {
    encoding: 'utf8',
    cwd: join(root, 'notebooks'),
    env: { KERNEL_NAME: 'tslab', ...process.env, ...jupyter, PYTHONPATH: packages },
    timeout: 4 * MINUTES,
  });
  outcomes = JSON.parse(stdout || '{}') as typeof outcomes;
  if (!stdout || outcomes.setUpClass) {
    throw new Error(`The suite ${stdout ? 'could not start' : 'did not end'}:\n${stderr}`);
  }
}, 5 * MINUTES);

afterAll(() => rmSync(folder, { recursive: true }));

test('the suite has these checks and no others', () => {
  const known = [...CHECKS, ...SKIPPED.map(([check]) => check)];
  expect(Object.keys(outcomes).sort()).toEqual(known.sort());
});

test.each(CHECKS)('%s passes', (check) => {
  expect(outcomes[check]).toEqual([]);
});

test.each(SKIPPED)('%s is skipped (%s): %s', (check, reason) => {
  expect(outcomes[check]).toEqual([`skipped: ${reason}`]);
});
