// npm run watch: builds the library and the kernel again on every save. Restart a notebook's kernel to see the change.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { environment } from './environment.mjs';
import { readOptions } from './options.mjs';
import { nodeModules, packages, root } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';

readOptions('Usage: npm run watch\n\nBuilds the library and the kernel again on every save.', {});
await setUpOrExit();

const tsc = join(nodeModules, 'typescript', 'bin', 'tsc');
const compilers = packages.map(watch);
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => compilers.forEach((compiler) => compiler.kill(signal)));
}

/** @param {import('./paths.mjs').Package} typeScriptPackage */
function watch({ folder, project }) {
  const dist = join(folder, 'dist');
  const args = ['--watch', '--preserveWatchOutput', '--pretty', '--project', project, '--outDir', dist];
  // Packages do not change while one writes code. Without this, another hard link to one of their files starts a build.
  args.push('--excludeFiles', '**/node_modules/**/*');
  const compiler = spawn(process.execPath, [tsc, ...args], {
    cwd: root,
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  compiler.stdout.on('data', (chunk) => {
    // Set-up's stamp names the sources that the build was made from. The compiler prints before and after it writes, and
    // from then on the stamp may be wrong. Without it, the next set-up builds again.
    rmSync(join(dist, '.setup'), { force: true });
    process.stdout.write(chunk);
  });
  compiler.on('close', (code) => {
    process.exitCode ||= code ?? 0;
    compilers.forEach((other) => other.kill());
  });
  return compiler;
}
