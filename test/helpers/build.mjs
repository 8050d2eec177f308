// jest's global set-up: builds what has changed in lib/ and kernel/, so that tests never use an old build.
export { buildOrExit as default } from '../../scripts/setup.mjs';
