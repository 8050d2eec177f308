// npm run watch: builds the library and the kernel again on every save. A notebook's kernel must be restarted to see it.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { nodeModules, packages, root } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';

await setUpOrExit();

const tsc = join(nodeModules, 'typescript', 'bin', 'tsc');
const compilers = packages.map(watch);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => compilers.forEach((compiler) => compiler.kill(signal)));
}

function watch({ folder, project }) {
  const dist = join(folder, 'dist');
  const args = ['--watch', '--preserveWatchOutput', '--pretty', '--project', project, '--outDir', dist];
  const compiler = spawn(process.execPath, [tsc, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  compiler.stdout.on('data', (chunk) => {
    // Set-up's mark names the sources that the build was made of. The compiler prints before and after it writes: from
    // then on the mark may be wrong, and without it the next set-up builds again, from whatever is there then.
    rmSync(join(dist, '.setup'), { force: true });
    process.stdout.write(chunk);
  });
  compiler.on('close', (code) => {
    process.exitCode ||= code ?? 0;
    compilers.forEach((other) => other.kill());
  });
  return compiler;
}
