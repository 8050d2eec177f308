// What a student who uses too much of the machine does to the others: nothing. On the real hub.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Classroom, type Person, type RemoteKernel, describeClassroom, kernelsOf, until } from '../helpers/classroom';
import { describeIfLimited } from '../helpers/limits';
import { isAlive } from '../helpers/processes';

jest.setTimeout(10 * 60_000);

/** The processor time that a process has used, in clock ticks. */
function processorTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return Number(fields[11]) + Number(fields[12]); // utime and stime
}

describeClassroom('npm run classroom', () => {
  describeIfLimited('with limits', () => {
    const classroom = new Classroom();
    const ownClass = `mnist-class-${classroom.suffix}`;
    let [ada, bob, eva]: Person[] = [];
    let [adasKernel, bobsKernel]: RemoteKernel[] = [];

    beforeAll(async () => {
      ({ ada, bob, eva } = await classroom.setUp({ ada: 'student', bob: 'student', eva: 'student' }));
      const { output } = await classroom.open();
      expect(output).toContain('Each student may use 2,000 MB of memory');
      await Promise.all([ada, bob, eva].map((person) => person.arrive()));
      await Promise.all([ada, bob].map((person) => person.startServer()));
      [adasKernel, bobsKernel] = await Promise.all([ada, bob].map((person) => person.startKernel()));
    });
    afterEach(async () => {
      expect(await bobsKernel.run('console.log(40 + 2)')).toBe('42\n');
    });
    afterAll(async () => {
      await classroom.delete();
      spawnSync(
        'rmdir',
        ['memory', 'cpu', ''].map((controller) => join('/sys/fs/cgroup', controller, ownClass)),
      );
    });

    test('a cell that eats memory is stopped with a sentence, and its kernel goes on', async () => {
      const output = await adasKernel.run(
        'const kept: unknown[] = []; while (true) kept.push(new Float32Array(1_000_000).fill(1));',
      );
      expect(output).toMatch(/^OutOfMemory: the cell was stopped, because your notebooks use 1,\d+ of the 2,000 MB/);
      expect(await adasKernel.run('kept.length = 0; console.log("alive")')).toBe('alive\n');
    });

    test('a kernel that takes more than all at once ends alone', async () => {
      const server = ada.serverPid;
      const [kernel] = kernelsOf(server);
      adasKernel.start('const all = Buffer.alloc(3_000_000_000, 1);');
      await until(() => !isAlive(kernel));
      // Its server starts another one.
      await until(() => kernelsOf(server).length === 1);
      expect(ada.serverPid).toBe(server);
      const next = await ada.connect(adasKernel.id);
      expect(await next.run('console.log("again")')).toBe('again\n');
      next.close();
    });

    test('many processes of one student get no more of a core than one of another', async () => {
      const kernel = await ada.connect(adasKernel.id);
      // On one core, since Linux spreads processes over cores as it likes; what other tests take of it is taken from both.
      const [, core] = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
      const spin = (count: number): string => `
        import { spawn } from 'node:child_process';
        const loop = ['-c', '${core}', process.execPath, '-e', 'while (true);'];
        const loops = Array.from({ length: ${count} }, () => spawn('taskset', loop));
        console.log(loops.map(({ pid }) => pid).join());`;
      const pidsOf = async (remote: RemoteKernel, count: number): Promise<number[]> =>
        (await remote.run(spin(count))).split(',').map(Number);
      const [adas, bobs] = [await pidsOf(kernel, 8), await pidsOf(bobsKernel, 1)];
      const used = (pids: number[]): number => pids.reduce((sum, pid) => sum + processorTime(pid), 0);
      const [adasBefore, bobsBefore] = [used(adas), used(bobs)];
      await until(() => used(adas) - adasBefore > 200); // 2 s
      const share = (used(bobs) - bobsBefore) / (used(adas) - adasBefore);
      await Promise.all(
        [kernel, bobsKernel].map((remote) => remote.run("loops.forEach((loop) => loop.kill('SIGKILL'))")),
      );
      kernel.close();
      expect(share).toBeGreaterThan(0.6); // evenly: 1; by the number of processes: 0.125
    });

    describe('and with 2.5 GB for the whole class', () => {
      beforeAll(async () => {
        // Of its own, so that another class on this machine keeps its limit.
        classroom.checkout.replace('classroom/limits.py', (code) =>
          code
            .replace('CLASS = "mnist-class"', `CLASS = "${ownClass}"`)
            .replace('memory("MemTotal") - RESERVE', '2500 * MB'),
        );
        await Promise.all([ada, bob].map((person) => person.stopServer()));
        const hub = classroom.pid('hub');
        process.kill(hub, 'SIGKILL'); // the next one reads the file again
        await until(() => classroom.pid('hub') !== hub);
        await until(async () => (await ada.ask('/hub/api/')).status === 200);
        for (const person of [ada, bob]) {
          await person.startServer();
        }
        [adasKernel, bobsKernel] = await Promise.all([ada, bob].map((person) => person.startKernel()));
      });

      test('when memory is short, the cell that takes it is stopped with a sentence, and others go on', async () => {
        // Random, so that Linux merges no equal pages.
        const take = "import { randomBytes } from 'node:crypto';\nconst all = [randomBytes(1)];\n";
        await bobsKernel.run(`${take}all.push(randomBytes(700_000_000));`);
        const output = await adasKernel.run(
          `${take}while (true) { all.push(randomBytes(5_000_000)); await new Promise((done) => setTimeout(done, 5)); }`,
        );
        expect(output).toMatch(
          /^OutOfMemory: the cell was stopped, because all students together use [\d,]+ of the 2,500 MB/,
        );
      });

      test('a student for whom no memory is left is told so', async () => {
        await expect(eva.startServer()).rejects.toThrow(
          'The class server has no memory left for another student: 2 are',
        );
        expect((await eva.ask(`/hub/spawn/${eva.login}`)).text).toContain('has no memory left for another student');
      });

      test('a student starts once there is memory again', async () => {
        await ada.stopServer();
        await eva.startServer();
      });
    });
  });
});
