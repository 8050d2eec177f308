// npm run classroom:load on a real hub: two students with few digits.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Classroom, describeClassroom } from '../helpers/classroom';
import { Started } from '../helpers/started';

jest.setTimeout(10 * 60_000);

describeClassroom('npm run classroom:load', () => {
  const classroom = new Classroom();
  const { checkout } = classroom;
  const out = join(checkout.home, 'classroom.md');
  const load = (...options: string[]) =>
    checkout.run('classroom:load', {}, ['--digits', '1000', '--later', '0', '--out', out, ...options]);

  const loginsIn = (text: string): string[] => text.match(/\bload-[0-9a-f]{6}-\d+/g) ?? [];
  const loginsOfClass = (): string[] => loginsIn(readFileSync(join(classroom.state, 'accounts.json'), 'utf8'));

  /** The accounts that the command has made and not deleted, in each place where one leaves traces. */
  function traces(): string[] {
    const { stdout } = spawnSync('getent', ['passwd'], { encoding: 'utf8' });
    const folders = ['/home', '/run/mnist-class'].filter(existsSync).flatMap((folder) => readdirSync(folder));
    return [...loginsOfClass(), ...loginsIn(stdout), ...loginsIn(folders.join('\n'))];
  }

  beforeAll(async () => {
    await classroom.setUp({ kim: 'teacher' });
  });
  afterAll(() => classroom.delete());

  test('asks for an open classroom', () => {
    const { status, stderr } = load('--students', '2');
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^No classroom is open here.*`sudo npm run classroom`/),
    ]);
  });

  describe('in an open classroom', () => {
    beforeAll(async () => {
      await classroom.open();
    });

    test('lets students run the lecture, reports what they used, and deletes them', () => {
      const { status, stdout, stderr } = load('--students', '2');
      expect([status, stderr]).toEqual([0, '']);
      const text = readFileSync(out, 'utf8');
      expect(stdout).toContain(text.slice(text.indexOf('## 1,000 digits')).trim());
      const [students, failed, firstOutput, lastCell, limit, cpu, own, , all] = /^\| 2 \|.*$/m
        .exec(text)![0]
        .split('|')
        .slice(1, -1)
        .map(parseFloat);
      expect([students, failed]).toEqual([2, 0]);
      expect(firstOutput).toBeGreaterThan(1); // a server and a kernel have to start
      expect(lastCell).toBeGreaterThan(firstOutput);
      expect(lastCell).toBeGreaterThanOrEqual(Math.floor(limit));
      expect(cpu).toBeGreaterThan(3); // starting both takes that much
      expect(own).toBeGreaterThan(200); // Jupyter's server and a kernel that has loaded TensorFlow
      expect(own).toBeLessThan(800);
      expect(1000 * all).toBeGreaterThan(2 * own); // that, what they share, and the hub
      expect(1000 * all).toBeLessThan(2 * own + 1000);
      expect(traces()).toEqual([]);
    });

    test('says why students failed', () => {
      // The students’ copies are made from this one.
      checkout.replace('notebooks/mnist-dense.ipynb', (json) => json.replace('mnist.digitGrid(', 'mnist.grid('));
      const { status } = load('--students', '1');
      expect(status).toBe(1);
      expect(readFileSync(out, 'utf8')).toMatch(
        /^- 1 of 1 students: cell first-image: TypeScriptError: .*Property 'grid' does not exist/m,
      );
    });

    test('deletes the students if it is stopped', async () => {
      const args = [...checkout.command('classroom:load'), '--students', '1', '--out', out];
      const command = new Started(process.execPath, args, { cwd: checkout.root, env: checkout.environment });
      // A server is starting.
      await command.until(() => loginsOfClass().some((login) => existsSync(join('/run/mnist-class', login))));
      command.signal('SIGTERM');
      expect(await command.ended).toBe(1);
      expect(command.output).toMatch(/^Stopped\.$/m);
      expect(traces()).toEqual([]);
    });
  });
});
