import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../helpers/notebook';

test('the benchmark trains both sides on the same data, in turn, and writes its table', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const out = join(folder, 'results.md');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'bench', 'bench.mjs'), '--rounds', '1', '--epochs', '2', '--lectures', '0', '--out', out],
    { encoding: 'utf8' },
  );
  expect([status, status === 0 ? '' : stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^training 1 of 1, ours: [\d.]+, [\d.]+ s\ntraining 1 of 1, keras: [\d.]+, [\d.]+ s$/m);
  const table = readFileSync(out, 'utf8');
  const row = (name: string): number[] => {
    const [, ours, keras] = new RegExp(`^\\| ${name} \\| ([\\d.]+)[^|]*\\| ([\\d.]*)`, 'm').exec(table)!;
    return [Number(ours), Number(keras)];
  };
  // After two epochs both reach about 97 of 100: they learn the same thing.
  for (const accuracy of row('test accuracy')) {
    expect(accuracy).toBeGreaterThan(0.96);
    expect(accuracy).toBeLessThan(0.985);
  }
  const [epoch] = row('epoch with validation, s');
  const [floor] = row('the floor: its matrix products alone, s');
  expect(floor).toBeGreaterThan(0);
  expect(epoch).toBeGreaterThan(floor);
  expect(Math.min(...row('peak memory of training, MB'))).toBeGreaterThan(188 + 31); // the pixels as float32 at least
  expect(table).not.toContain(root);
  rmSync(folder, { recursive: true });
}, 900_000);
