// The environment in which the scripts run other programs: the person's own, without what would change their results.
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { jupyterFolder, venv } from './paths.mjs';

/** Variables that steer Node, npm's packages, Python, pip and Jupyter. */
const STEERING = /^(NODE_|PYTHON|PIP_|JUPYTER|IPYTHON)/;
/** Those of them that a machine may need, mostly to reach its network. */
const NEEDED = new RegExp(
  '^(NODE_(EXTRA_CA_CERTS|TLS_REJECT_UNAUTHORIZED|USE_ENV_PROXY|USE_SYSTEM_CA)|JUPYTER_PORT(_RETRIES)?|' +
    'PIP_(CACHE_DIR|CERT|CLIENT_CERT|DEFAULT_TIMEOUT|EXTRA_INDEX_URL|FIND_LINKS|INDEX_URL|KEYRING_PROVIDER|NO_INDEX|' +
    'PROXY|TIMEOUT|TRUSTED_HOST))$',
);

/**
 * Whether a variable is passed on to other programs.
 *
 * @param {string} name
 */
export const isPassedOn = (name) => !STEERING.test(name) || NEEDED.test(name);

const { JUPYTER_PATH, MNIST_DIR, XDG_CACHE_HOME, ...others } = process.env;

/** @type {NodeJS.ProcessEnv} */
export const environment = {
  ...Object.fromEntries(Object.entries(others).filter(([name]) => isPassedOn(name))),
  // The kernel works in another folder than the person who names this one.
  ...(MNIST_DIR && { MNIST_DIR: resolve(MNIST_DIR) }),
  // The XDG specification says that a relative path is to be ignored.
  ...(XDG_CACHE_HOME && isAbsolute(XDG_CACHE_HOME) && { XDG_CACHE_HOME }),
  PYTHONUTF8: '1', // as Node reads and writes
  // Settings, kernels and run files stay in the project's folder: the user's own Jupyter is neither read nor written.
  JUPYTER_CONFIG_DIR: join(jupyterFolder, 'config'),
  JUPYTER_DATA_DIR: join(jupyterFolder, 'data'),
  JUPYTER_RUNTIME_DIR: join(jupyterFolder, 'runtime'),
  JUPYTER_PREFER_ENV_PATH: '1',
  // The project's kernel comes before another of the same name, which would otherwise win.
  JUPYTER_PATH: [join(venv, 'share', 'jupyter'), JUPYTER_PATH].filter(Boolean).join(delimiter),
  IPYTHONDIR: join(jupyterFolder, 'ipython'),
};
