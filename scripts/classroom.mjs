// npm run classroom: the lecture for a class, on this machine, by JupyterHub. See classroom/README.md.
import { endpoint, options } from '../classroom/options.mjs'; // first
import '../classroom/for-everybody.mjs'; // before all that uses a folder
import { join, relative, resolve } from 'node:path';
import { logins, runPython, uids } from '../classroom/accounts.mjs';
import {
  ClassroomError,
  checkInstallation,
  checkMachine,
  hideSolutions,
  limits,
  takeOwnership,
} from '../classroom/checks.mjs';
import { addToHub, deleteAccounts, runClassroom } from '../classroom/hub.mjs';
import { endProcessesOf, makeState, running, stop } from '../classroom/programs.mjs';
import { editions, exercises, root } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';
import { setUpOwnVenv } from './setup/own-venv.mjs';

try {
  checkMachine();
  if (options.stop) {
    await stopEverything();
  } else if (options.reset !== undefined) {
    const notebook = options.notebook ?? relative(root, exercises.en);
    process.exitCode = runPython('python3', 'reset.py', [options.reset, notebook]).status === 0 ? 0 : 1;
  } else {
    hideSolutions();
    await setUpOrExit();
    takeOwnership();
    const python = await setUpOwnVenv(join(root, 'classroom'), 'JupyterHub', 380);
    makeState();
    if (options.students !== undefined) {
      await changeAccounts(python, [
        ...['add', resolve(options.students), address()],
        ...(options['class-password'] ? ['--class-password'] : []),
      ]);
    } else if (options['new-password'] !== undefined) {
      await changeAccounts(python, ['new-password', options['new-password'], address()]);
    } else if (options.remove !== undefined) {
      await removeAccount(python, options.remove);
    } else {
      checkInstallation(python);
      const other = running('classroom');
      if (other) {
        throw new ClassroomError(`The classroom is open already, at ${other.settings} (process ${other.pid}).`);
      }
      console.log(limits(python, logins().length));
      if (logins().length === 0) {
        console.log('There are no accounts yet: `npm run classroom -- --students LIST.csv` makes them.');
      }
      await runClassroom(endpoint, python, relative(root, options.ko ? editions.ko : editions.en));
    }
  }
} catch (error) {
  console.error(error instanceof ClassroomError ? error.message : error);
  process.exitCode = 1;
}

/** The address that stands on the sheet: the one of the open classroom, or of one opened with these options. */
function address() {
  return running('classroom')?.settings ?? endpoint.url;
}

/**
 * @param {string} python
 * @param {string[]} args
 */
async function changeAccounts(python, args) {
  if (runPython(python, 'accounts.py', args).status !== 0) {
    process.exitCode = 1;
  } else if (running('hub')) {
    await addToHub(address(), logins());
  }
}

/**
 * @param {string} python
 * @param {string} login
 */
async function removeAccount(python, login) {
  if (!logins().includes(login)) {
    throw new ClassroomError(
      `There is no account ${login} (expected one of ${logins().sort().join(', ') || 'none yet'}).`,
    );
  }
  if (await deleteAccounts(address(), python, [login])) {
    console.log(`The account ${login} and its home are deleted.`);
  } else {
    process.exitCode = 1;
  }
}

async function stopEverything() {
  await stop('classroom');
  await stop('hub');
  await endProcessesOf(uids());
  await stop('proxy');
  console.log('Hub, proxy and all servers of the class have ended.');
}
