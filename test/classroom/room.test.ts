// What limits.py says of a machine: whether it is large enough, how many threads a kernel gets, and which limits hold.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { testWithDisk } from '../helpers/checkout';
import { root } from '../helpers/notebook';
import { testOnLinux } from '../helpers/on-linux';
import { python } from '../helpers/python';

const folder = join(root, 'classroom');

/** Runs Python with `limits` on a machine that has so much memory, disk and cores. @returns the lines that it prints. */
function onMachine(machine: { memory: number; disk: number; cores: number }, code: string): string[] {
  const program = `import sys; sys.path.insert(0, '${folder}'); sys.dont_write_bytecode = True
import collections, limits
limits.memory = lambda name: int(${machine.memory}e9)
limits.shutil.disk_usage = lambda path: collections.namedtuple('Usage', 'free')(int(${machine.disk}e9))
limits.os.cpu_count = lambda: ${machine.cores}
${code}`;
  const printed = execFileSync(python, ['-c', program], { encoding: 'utf8' });
  return printed.split('\n').filter(Boolean);
}

// By the figures of README.md: 1.3 GB, 550 MB of memory per student, 400 MB to start and 1 GB free; 60 MB of disk.
describe('a machine', () => {
  const shortages = (machine: Parameters<typeof onMachine>[0], students: number): string[] =>
    onMachine(machine, `print('\\n'.join(limits.shortages(${students}, '/home')))`);

  testOnLinux('that is large enough for 20 students has no shortage', () => {
    expect(shortages({ memory: 13, disk: 1.2, cores: 2 }, 20)).toEqual([]);
  });

  testOnLinux.each([
    [12.2, 20, 'is enough for 19 students at the end of the lecture; 20 need 12.3 GB'],
    [8, 20, 'is enough for 12 students at the end of the lecture; 20 need 12.3 GB'],
    [1, 1, 'is enough for 0 students at the end of the lecture; 1 need 1.9 GB'],
  ])('with %p GB of memory is too small for %p students at the end of the lecture', (memory, students, sentence) => {
    const [first] = shortages({ memory, disk: 100, cores: 2 }, students);
    expect(first).toContain(`This machine has ${memory.toFixed(1)} GB of memory, which ${sentence}`);
  });

  testOnLinux('with 8 GB has room for 14 students who start at the same time', () => {
    const sentence = 'It has room for 14 students who start at the same time. Further students are asked to wait.';
    expect(shortages({ memory: 8, disk: 100, cores: 2 }, 14)).not.toContain(sentence);
    expect(shortages({ memory: 8, disk: 100, cores: 2 }, 15)).toContain(sentence);
  });

  testOnLinux('with 1 GB of disk has none for 20 homes', () => {
    expect(shortages({ memory: 64, disk: 1, cores: 2 }, 20)).toEqual([
      '/home has 1.0 GB free. The homes of 20 students need 1.2 GB: make room.',
    ]);
  });
});

// Half of the class computes at a time.
testOnLinux.each([
  [2, 1, 2],
  [2, 2, 2],
  [2, 3, 1],
  [2, 40, 1],
  [16, 8, 4],
  [16, 20, 1],
  [64, 20, 6],
])('with %p cores and %p students, each kernel gets %p threads', (cores, students, threads) => {
  const code = `print(*(limits.environment(${students})[f'TF_NUM_{kind}_THREADS'] for kind in ('INTRAOP', 'INTEROP')))`;
  expect(onMachine({ memory: 64, disk: 100, cores }, code)).toEqual([`${threads} ${threads}`]);
});

// In a mount namespace of its own, as in a container.
testWithDisk(
  'without control groups, it says that no limits hold, and that pages are not merged where they cannot be',
  () => {
    const command = `mount -t tmpfs none /sys/fs/cgroup && mount -t tmpfs none /sys/kernel && ${python} -B ${folder}/limits.py 3 /tmp`;
    const printed = execFileSync('unshare', ['--mount', 'sh', '-c', command], { encoding: 'utf8' });
    expect(printed).toMatch(/^No limit of memory holds, so one student can use up the server's memory: .+\.$/m);
    expect(printed).toMatch(/^Nothing shares the cores evenly among students: .+\.$/m);
    expect(printed).toMatch(/^Linux does not merge equal pages of the students' memory: .+\.$/m);
  },
);
