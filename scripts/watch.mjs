// npm run watch: builds the library and the kernel again on every save. Restart a notebook's kernel to see the change.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { environment } from './environment.mjs';
import { readOptions } from './options.mjs';
import { bundler, nodeModules, packages, root } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';

readOptions('Usage: npm run watch\n\nBuilds the library and the kernel again on every save.', {});
await setUpOrExit();

const tsc = join(nodeModules, 'typescript', 'bin', 'tsc');
const compilers = packages.flatMap(watch);
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => compilers.forEach((compiler) => compiler.kill(signal)));
}

/** @param {import('./paths.mjs').Package} typeScriptPackage */
function watch({ folder, project, hasPage }) {
  const dist = join(folder, 'dist');
  const args = ['--watch', '--preserveWatchOutput', '--pretty', '--project', project, '--outDir', dist];
  // Packages do not change while one writes code. Without this, another hard link to one of their files starts a build.
  args.push('--excludeFiles', '**/node_modules/**/*');
  const compiler = start([tsc, ...args], dist);
  return hasPage ? [compiler, start([bundler, join(dist, 'page'), '--watch'], dist)] : [compiler];
}

/**
 * @param {string[]} command of Node.
 * @param {string} dist where it builds.
 */
function start(command, dist) {
  const compiler = spawn(process.execPath, command, { cwd: root, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of /** @type {const} */ (['stdout', 'stderr'])) {
    compiler[stream].on('data', (chunk) => {
      // Set-up's stamp names the sources that the build was made from. A compiler prints before and after it writes, and
      // from then on the stamp may be wrong. Without it, the next set-up builds again.
      rmSync(join(dist, '.setup'), { force: true });
      process[stream].write(chunk);
    });
  }
  compiler.on('close', (code) => {
    process.exitCode ||= code ?? 0;
    compilers.forEach((other) => other.kill());
  });
  return compiler;
}
