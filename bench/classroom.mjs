// npm run classroom:load: how many students the open classroom serves at once; writes sections of classroom.md.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { logins, runPython, uids } from '../classroom/accounts.mjs';
import { deleteAccounts } from '../classroom/hub.mjs';
import { note, processesOf, running, stat, state } from '../classroom/programs.mjs';
import { fail, readOptions, wholeNumber } from '../scripts/options.mjs';
import { notebook, root } from '../scripts/paths.mjs';
import { section, spread, table, writeSection } from './report.mjs';
import { StudentError, runLecture } from './student.mjs';

/** @import { Cell } from './student.mjs' */

const USAGE = `Usage: npm run classroom:load -- --students N [OPTIONS]

Lets N students log in to the open classroom at the same moment and run the lecture with one epoch, and reports failures,
times and memory. It makes accounts for them, and deletes these at the end. Open the classroom by \`npm run classroom\` in
another terminal first. Nobody else should be at work.

  --students N      how many students; several numbers, such as 1,5,20, give a row each
  --digits N        on how many digits each of them trains; several numbers give a section each (default: 60000,10000)
  --later S         after how many seconds memory is read again (default: 60)
  --out FILE        the file in which the sections are replaced (default: bench/classroom.md)`;

const ALL_DIGITS = 60_000;
/**
 * The aims, by the number of digits.
 *
 * @type {Record<number, string>}
 */
const AIMS = {
  60_000: 'twenty students at once, none failing, with at most 12 GB in all a minute after the end',
  10_000: 'forty students at once, none failing',
};
/** With less memory, in bytes, Linux may end processes that have nothing to do with the class. */
const LEAST_MEMORY = 500e6;
const KSM = '/sys/kernel/mm/ksm/run';
const TICKS_PER_SECOND = 100; // the unit of /proc/PID/stat on all Linux
const LOGIN = /^load-[0-9a-f]{6}-\d+$/;
const python = join(root, 'classroom', '.venv', 'bin', 'python');

const options = readOptions(USAGE, {
  students: { type: 'string' },
  digits: { type: 'string', default: '60000,10000' },
  later: { type: 'string', default: '60' },
  out: { type: 'string', default: join(root, 'bench', 'classroom.md') },
});
if (options.students === undefined) {
  fail('--students: expected how many', USAGE);
}
const counts = wholeNumbers('students', options.students);
const digitCounts = wholeNumbers('digits', options.digits);
const later = wholeNumber('later', options.later, 0, USAGE);
if (Math.max(...digitCounts) > ALL_DIGITS) {
  fail(`--digits ${options.digits}: expected at most ${ALL_DIGITS}, which MNIST has`, USAGE);
}

/**
 * @param {string} name
 * @param {string} text
 */
function wholeNumbers(name, text) {
  return text.split(',').map((number) => wholeNumber(name, number, 1, USAGE));
}

/** Why nothing is measured, as a sentence. */
class LoadError extends Error {}

const stopped = new AbortController();
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => stopped.abort(new LoadError('Stopped.')));
}
/** @type {Promise<never>} */
const untilStopped = new Promise((_, reject) =>
  stopped.signal.addEventListener('abort', () => reject(stopped.signal.reason)),
);
untilStopped.catch(() => {}); // whoever waits for something else as well, hears of it

try {
  const url = await openClassroom();
  for (const digits of digitCounts) {
    await measure(url, digits);
  }
} catch (error) {
  console.error(error instanceof LoadError ? error.message : error);
  process.exitCode = 1;
}

/** @returns {Promise<string>} the address of the classroom, in which nobody is at work. */
async function openClassroom() {
  const classroom = running('classroom');
  if (!classroom || !running('hub')) {
    throw new LoadError(
      'No classroom is open here, or you are not root: run `sudo npm run classroom` in another terminal, and this ' +
        'command by sudo as well.',
    );
  }
  if (running('load')) {
    throw new LoadError('Another load is being measured here: wait for its end.');
  }
  note('load', process.pid, '');
  const leftovers = logins().filter((login) => LOGIN.test(login));
  if (leftovers.length > 0) {
    await deleteAccounts(classroom.settings, python, leftovers); // of a command that was killed
  }
  if (processesOf(uids()).length > 0) {
    throw new LoadError('Somebody is at work in the classroom, whom the load would disturb: try again when nobody is.');
  }
  return classroom.settings;
}

/**
 * Measures with each number of students, and writes a section.
 *
 * @param {string} url
 * @param {number} digits
 */
async function measure(url, digits) {
  const rows = [];
  /** @type {string[]} */
  const problems = [];
  for (const count of counts) {
    console.log(`${count} ${count === 1 ? 'student' : 'students'} with ${named(digits)} ...`);
    const { row, errors } = await runClass(url, count, digits);
    rows.push(row);
    const sentences = [...new Set(errors)].map(
      (error) => `${errors.filter((other) => other === error).length} of ${count} students: ${error}`,
    );
    sentences.forEach((sentence) => console.log(sentence));
    problems.push(...sentences.map((sentence) => `- ${sentence}`));
  }
  if (problems.length > 0) {
    process.exitCode = 1;
  }
  const text = section(
    digits === ALL_DIGITS ? `All ${named(digits)}` : named(digits),
    `npm run classroom:load -- --students ${options.students} --digits ${digits}`,
    report(rows, problems, AIMS[digits]),
  );
  console.log(text);
  writeSection(options.out, text);
}

/** @param {number} digits */
function named(digits) {
  return `${digits.toLocaleString('en')} digits`;
}

/**
 * @param {string[][]} rows
 * @param {string[]} problems
 * @param {string} [aim]
 */
function report(rows, problems, aim) {
  const merges = existsSync(KSM) && readFileSync(KSM, 'utf8').trim() === '1';
  return [
    'All students log in at the same moment, start their servers, and run the lecture with one epoch, one cell after the ' +
      `other without a pause. Their browsers are imitated on the same machine. Linux ${merges ? 'merged' : 'did not merge'} ` +
      'equal pages of memory (KSM).',
    ...(aim ? ['', `The aim, on 2 cores and 24 GB: ${aim}.`] : []),
    '',
    ...table([
      [
        ...['students', 'failed', 'first output, s', 'last cell, s', 'the cores’ limit, s', 'CPU a student, s'],
        ...['own, MB', `own ${later} s later, MB`, 'in all, GB', `in all ${later} s later, GB`, 'peak, GB'],
      ],
      ...rows,
    ]),
    '',
    'Medians, with the smallest and the largest value. Times begin at the login. The cores’ limit is the processor time of ' +
      'all students, divided by the cores: no class ends before it. It grows at least as the number of students does, and ' +
      'more where each student’s processor time grows, too. A student’s own memory is that of server and kernel, at the ' +
      'end of the last student’s lecture, without what is shared. In all, it is that of all students, the hub and the ' +
      'proxy. The peak is by how much the available memory of the machine fell in between.',
    ...(problems.length > 0 ? ['', ...problems] : []),
  ];
}

/**
 * Lets a class run the lecture.
 *
 * @param {string} url
 * @param {number} count
 * @param {number} digits
 */
async function runClass(url, count, digits) {
  const suffix = randomBytes(3).toString('hex');
  const names = Array.from({ length: count }, (_, index) => `load-${suffix}-${index + 1}`);
  try {
    const password = makeAccounts(url, names);
    const before = available();
    let least = before;
    const watch = setInterval(() => {
      least = Math.min(least, available());
      if (least < LEAST_MEMORY) {
        stopped.abort(new LoadError(`Stopped: the machine has only ${megabytes(least)} MB of memory left.`));
      }
    }, 500);
    try {
      const students = await orStopped(Promise.all(names.map((login) => runStudent(url, login, password, digits))));
      const atEnd = reading(names);
      await orStopped(sleep(1000 * later));
      const afterwards = reading(names);
      const times = (/** @type {'firstOutput' | 'end'} */ kind) => students.flatMap((student) => student[kind] ?? []);
      const errors = students.flatMap(({ error }) => error ?? []);
      const processorSeconds = atEnd.processorSeconds.reduce((sum, seconds) => sum + seconds, 0);
      const row = [
        ...[String(count), String(errors.length), spread(times('firstOutput'), 0), spread(times('end'), 0)],
        ...[(processorSeconds / cpus().length).toFixed(0), spread(atEnd.processorSeconds, 1)],
        ...[spread(atEnd.own.map(megabytes), 0), spread(afterwards.own.map(megabytes), 0)],
        ...[atEnd.all, afterwards.all, before - least].map((bytes) => (bytes / 1e9).toFixed(1)),
      ];
      return { row, errors };
    } finally {
      clearInterval(watch);
    }
  } finally {
    await deleteAccounts(url, python, names);
  }
}

/**
 * @template T
 * @param {Promise<T>} work
 */
function orStopped(work) {
  return Promise.race([work, untilStopped]);
}

/**
 * Lets one student run the lecture.
 *
 * @param {string} url
 * @param {string} login
 * @param {string} password
 * @param {number} digits
 * @returns {Promise<{ firstOutput?: number, end?: number, error?: string }>} seconds since the login, or what failed.
 */
async function runStudent(url, login, password, digits) {
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  /** @type {number | undefined} */
  let firstOutput;
  const onOutput = () => void (firstOutput ??= seconds());
  try {
    const path = relative(root, notebook);
    await runLecture(url, login, password, path, ({ cells }) => lectureCells(cells, digits), onOutput);
    return { firstOutput, end: seconds() };
  } catch (error) {
    if (!(error instanceof StudentError)) {
      throw error;
    }
    return { firstOutput, error: error.message.replaceAll(login, 'LOGIN') };
  }
}

/**
 * The lecture's code cells, with one epoch, and with fewer digits where that is wanted.
 *
 * @param {Cell[]} cells
 * @param {number} digits
 */
function lectureCells(cells, digits) {
  /** @type {[RegExp, string][]} */
  const changes = [[/(?<=const epochs = )\d+(?=;)/, '1']];
  if (digits < ALL_DIGITS) {
    changes.push(
      [/(?<=mnist\.flatten\()trainImages(?=\))/, `mnist.firstOf(trainImages, ${digits})`],
      [/(?<=mnist\.oneHot\()trainLabels(?=,)/, `mnist.firstOf(trainLabels, ${digits})`],
    );
  }
  const code = cells.filter(({ cell_type }) => cell_type === 'code').map((cell) => ({ ...cell }));
  for (const [pattern, replacement] of changes) {
    const cell = code.find(({ source }) => pattern.test(source));
    if (!cell) {
      throw new LoadError(`The lecture has no code that matches ${pattern}: change bench/classroom.mjs as well.`);
    }
    cell.source = cell.source.replace(pattern, replacement);
  }
  return code;
}

/**
 * What students use at this moment, in bytes and seconds.
 *
 * @param {string[]} names
 */
function reading(names) {
  const students = names
    .map((login) => processesOf(uids([login])).map(readProcess))
    .filter((processes) => processes.length > 0);
  const programs = ['hub', 'proxy'].flatMap((name) => running(name)?.pid ?? []).map(readProcess);
  /**
   * @param {ReturnType<typeof readProcess>[]} processes
   * @param {'own' | 'share' | 'processorSeconds'} kind
   */
  const sum = (processes, kind) => processes.reduce((total, process) => total + process[kind], 0);
  return {
    own: students.map((processes) => sum(processes, 'own')),
    processorSeconds: students.map((processes) => sum(processes, 'processorSeconds')),
    all: sum([...students.flat(), ...programs], 'share'),
  };
}

/** @param {number} pid */
function readProcess(pid) {
  const sizes = sizesIn(`/proc/${pid}/smaps_rollup`);
  const fields = stat(pid) ?? [];
  return {
    own: sizes.Private_Clean + sizes.Private_Dirty,
    /** Its own, and its share of what it shares. */
    share: sizes.Pss,
    processorSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
  };
}

/** How much memory programs may still take, in bytes. */
function available() {
  return sizesIn('/proc/meminfo').MemAvailable;
}

/**
 * The sizes in a file of /proc, in bytes, by their names.
 *
 * @param {string} path
 * @returns {Record<string, number>}
 */
function sizesIn(path) {
  const lines = readFileSync(path, 'utf8').matchAll(/^(\w+): +(\d+) kB$/gm);
  return Object.fromEntries([...lines].map(([, name, kilobytes]) => [name, 1024 * Number(kilobytes)]));
}

/** @param {number} bytes */
function megabytes(bytes) {
  return Math.round(bytes / 1e6);
}

/**
 * @param {string} url
 * @param {string[]} names
 * @returns {string} the password of all.
 */
function makeAccounts(url, names) {
  const list = join(state, 'load.csv');
  writeFileSync(list, names.map((login) => `${login},Load\n`).join(''));
  const sheet = runAccounts('add', list, url, '--class-password');
  const [, password] = /^ *password +(\S+)$/m.exec(sheet) ?? [];
  if (!password) {
    throw new LoadError(`The accounts have no password:\n${sheet}`);
  }
  return password;
}

/** @param {string[]} args */
function runAccounts(...args) {
  const { status, stdout, stderr } = runPython(python, 'accounts.py', args, 'pipe');
  if (status !== 0) {
    throw new LoadError(`The accounts could not be changed:\n${stdout}${stderr}`);
  }
  return stdout;
}
