// Where things are, for all scripts, and the environment in which they run Jupyter.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const venv = join(root, '.venv');
export const python = join(venv, 'bin', 'python');
export const notebook = join(root, 'notebooks', 'mnist-dense.ipynb');

// The user's own Jupyter is neither read nor written: settings, kernels and run files stay in the project's folder.
export const jupyterEnvironment = {
  JUPYTER_CONFIG_DIR: join(root, '.jupyter', 'config'),
  JUPYTER_DATA_DIR: join(root, '.jupyter', 'data'),
  JUPYTER_RUNTIME_DIR: join(root, '.jupyter', 'runtime'),
  JUPYTER_PREFER_ENV_PATH: '1',
  IPYTHONDIR: join(root, '.jupyter', 'ipython'),
};
