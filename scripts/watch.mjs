// npm run watch: builds the library anew on every save. A kernel sees it once it is restarted.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { lib, nodeModules, root } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';

await setUpOrExit();

const dist = join(lib, 'dist');
const tsc = join(nodeModules, 'typescript', 'bin', 'tsc');
const compiler = spawn(process.execPath, [tsc, '--watch', '--preserveWatchOutput', '--pretty', '--outDir', dist], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
});
compiler.stdout.on('data', (chunk) => {
  // Set-up's mark says of which sources the library was built. The compiler speaks before and after it writes: from then
  // on the mark may be wrong, and without it the next set-up builds the library once more, from whatever is there then.
  rmSync(join(dist, '.setup'), { force: true });
  process.stdout.write(chunk);
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => compiler.kill(signal));
}
compiler.on('close', (code) => (process.exitCode = code ?? 0));
