// Imported before all else but the options, so that every user of the machine can read and run what set-up makes for a class.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const NOBODY = { uid: 65534, gid: 65534 };

if (process.getuid?.() === 0) {
  process.umask(0o022);
  // TensorFlow goes here rather than into root's own cache, which students cannot read; see paths.mjs.
  mkdirSync(join(dirname(dirname(fileURLToPath(import.meta.url))), '.cache'), { recursive: true });
  // Puts a Python that students can run first on the PATH: they cannot run one in root's home.
  const { stdout } = spawnSync('sh', ['-c', 'command -v python3'], { ...NOBODY, cwd: '/', encoding: 'utf8' });
  if (stdout) {
    process.env.PATH = [dirname(stdout.trim()), process.env.PATH].join(delimiter);
  }
}
