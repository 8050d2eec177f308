import { readFileSync } from 'node:fs';
import { runAll, startSmallKernel } from '../helpers/small-lecture';

test('memory levels off over 50 runs of the whole notebook in one kernel', async () => {
  const kernel = await startSmallKernel();
  const megabytes: number[] = [];
  for (let round = 0; round < 50; round++) {
    await runAll(kernel);
    const status = readFileSync(`/proc/${kernel.pid}/status`, 'utf8');
    megabytes.push(Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1000));
  }
  await kernel.stop();
  const highest = (from: number, to: number): number => Math.max(...megabytes.slice(from, to));
  console.info(`resident memory after each run, in MB: ${megabytes.join(' ')}`);
  expect(highest(0, 50)).toBeLessThan(850); // 670 after the first run, 700 to 760 from the tenth run on
  // A leak of one tensor of pixels per run would add 150 MB in the second half.
  expect(highest(25, 50)).toBeLessThan(highest(0, 25) * 1.1);
}, 900_000);
