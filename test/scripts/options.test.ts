import { Checkout } from '../helpers/checkout';

// Nothing is set up there, and nothing may be.
let fresh: Checkout;
let before: string[];
beforeAll(() => {
  fresh = new Checkout();
  before = fresh.snapshot();
});
afterAll(() => fresh.delete());
afterEach(() => {
  const [old, now] = [before, fresh.snapshot()].map((lines) => new Set(lines));
  const changed = [...before.filter((line) => !now.has(line)), ...[...now].filter((line) => !old.has(line))];
  expect(changed.slice(0, 5)).toEqual([]); // set-up would bring thousands of files
});

const SCRIPTS = ['start', 'lecture', 'slides', 'setup', 'doctor', 'watch', 'pretrained', 'bench', 'classroom'];

// `grade` and `test` pass on what they do not know, to nbgrader and jest.
test.each([...SCRIPTS, 'grade', 'test'])('npm %s -- --help prints its usage and nothing else happens', (script) => {
  const { status, stdout, stderr } = fresh.run(script, {}, ['--help']);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(new RegExp(`^Usage: npm (run )?${script}\\b.*\n\n[A-Z]`));
});

test.each(SCRIPTS)('npm %s refuses what it does not know in a sentence, before set-up', (script) => {
  for (const wrong of ['--wrong', 'wrong']) {
    const { status, stdout, stderr } = fresh.run(script, {}, [wrong]);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(new RegExp(`^Un(known option|expected argument) '${wrong}'\\.\n\nUsage: npm `));
  }
});

test.each([
  [['--epochs', '0'], '--epochs 0: expected a whole number, 1 or more.'],
  [['--epochs=-3'], '--epochs -3: expected a whole number, 1 or more.'],
  [['--epochs', 'ten'], '--epochs ten: expected a whole number, 1 or more.'],
  [['--epochs'], "Option '--epochs <value>' argument missing."],
  [['--epochs', '-3'], "Option '--epochs' argument is ambiguous."],
  [['--language', 'fr'], '--language fr: expected en or ko.'],
])('npm run lecture refuses %j', (args, sentence) => {
  const { status, stderr } = fresh.run('lecture', {}, args);
  expect([status, stderr.split('\n\n')[0]]).toEqual([2, sentence]);
});

test('npm run slides refuses a language without an edition', () => {
  const { status, stderr } = fresh.run('slides', {}, ['--language', 'xx']);
  const sentence = '--language xx: expected en or ko.';
  expect([status, stderr.split('\n\n')[0]]).toEqual([2, sentence]);
});

test.each([
  [['--rounds', 'many'], '--rounds many: expected a whole number, 1 or more.'],
  [['--epochs', '1'], '--epochs 1: expected a whole number, 2 or more.'], // the first epoch is not counted
  [['--profile', '--memory'], '--profile, --memory, --kernel and --better: expected one of them.'],
])('npm run bench refuses %j', (args, sentence) => {
  const { status, stderr } = fresh.run('bench', {}, args);
  expect([status, stderr.split('\n\n')[0]]).toEqual([2, sentence]);
});
