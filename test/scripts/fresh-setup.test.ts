import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Checkout, HOSTILE } from '../helpers/checkout';

test(
  'set-up that is killed in the middle of each step continues from there, and its result works, in any environment',
  async () => {
    const checkout = new Checkout();
    const there = (name: string) => () => existsSync(join(checkout.root, name));
    const pipConf = join(checkout.home, '.config', 'pip');
    mkdirSync(pipConf, { recursive: true });
    writeFileSync(join(pipConf, 'pip.conf'), '[global]\nuser = true\ntarget = /nowhere\nrequire-virtualenv = false\n');
    const distOf = (name: string) => join(checkout.root, name, 'dist');
    try {
      const steps: [step: number, begun: () => boolean, stamp: string][] = [
        [1, there('node_modules'), join(checkout.root, 'node_modules', '.setup')],
        [2, there('.venv/bin/python'), join(checkout.root, '.venv', '.setup')],
        [3, () => existsSync(`${checkout.tensorflow}.partial`), checkout.tensorflow],
        [4, () => true, checkout.addon],
        [5, () => true, distOf('lib')],
        [6, () => true, distOf('kernel')],
      ];
      for (const [step, begun, stamp] of steps) {
        const setUp = checkout.start('setup', HOSTILE);
        await setUp.says(new RegExp(`^\\[${step}/7\\] `, 'm'));
        await setUp.until(begun);
        if (step === 5) {
          setUp.signal('SIGKILL'); // its compiler runs on, and the next set-up waits for it
          await setUp.ended;
        } else {
          await setUp.killAll();
        }
        expect([step, existsSync(stamp)]).toEqual([step, false]);
        expect(setUp.output.replace(/^Another .*\n/, '')).toMatch(new RegExp(`^\\[${Math.max(1, step - 1)}/7\\]`));
      }
      const { status, stdout, stderr } = checkout.setUp(HOSTILE);
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/^\[6\/7\] .*\n\[7\/7\] .*\nEverything is set up\.\n$/);

      expect(checkout.sum()).toBe('5\n');
      const python = join(checkout.root, '.venv', 'bin', 'python');
      expect(execFileSync(python, ['-m', 'jupyterlab', '--version'], { env: checkout.environment }).toString()).toMatch(
        /^4\./,
      );
      expect(readdirSync(dirname(checkout.tensorflow))).not.toContainEqual(expect.stringMatching(/partial/));

      const before = checkout.snapshot();
      expect(checkout.setUp()).toEqual({ status: 0, stdout: '', stderr: '' });
      expect(checkout.snapshot()).toEqual(before);
    } finally {
      checkout.delete();
    }
  },
  15 * 60_000,
);
