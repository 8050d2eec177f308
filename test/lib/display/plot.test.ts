import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Kernel, type Run, startKernel } from '../../helpers/kernel';
import { root } from '../../helpers/notebook';

const PLOTLY = 'application/vnd.plotly.v1+json';

interface PlotlyFigure {
  data: object[];
  layout: object;
  config: object;
}

describe('plot(data, layout, config) in a kernel', () => {
  let kernel: Kernel;
  beforeAll(async () => {
    kernel = await startKernel();
    const { status, text } = await kernel.run("import * as mnist from 'mnist-lib'; import * as rxjs from 'rxjs';");
    expect([status, text]).toEqual(['ok', '']);
  }, 120_000);
  afterAll(() => kernel?.stop());

  async function run(code: string): Promise<Run> {
    const cell = await kernel.run(code);
    expect([cell.status, cell.stderr]).toEqual(['ok', '']);
    return cell;
  }
  const displayMessages = ({ messages }: Run) =>
    messages.map(({ msg_type }) => msg_type).filter((type) => /display_data|execute_result/.test(type));
  const figureOf = ({ outputs }: Run) => outputs[0].data![PLOTLY] as PlotlyFigure;

  test('makes one output: the plotly figure, an SVG picture and a description', async () => {
    const cell = await run("mnist.plot([{ x: [1, 2, 3], y: [2, 4, 8], type: 'scatter' }], { title: 'Doubling' });");
    expect(displayMessages(cell)).toEqual(['display_data']);
    const { data } = cell.outputs[0];
    expect(Object.keys(data!).sort()).toEqual([PLOTLY, 'image/svg+xml', 'text/plain']);
    expect(data!['image/svg+xml']).toMatch(/^<svg [^]*>Doubling<\/text>[^]*<\/svg>$/);
    expect(data!['text/plain']).toBe('Figure "Doubling": scatter (3 values, 2 to 8).');
  });

  test("passes its arguments to plotly, with a size, and with titles in current plotly.js's form", async () => {
    const cell = await run(
      "mnist.plot([{ y: [1, 2], name: 'a' }], { title: 'T', xaxis: { title: 'x' }, width: 300 }, { scrollZoom: true });",
    );
    expect(figureOf(cell)).toEqual({
      data: [{ y: [1, 2], name: 'a' }],
      layout: {
        title: { text: 'T' },
        xaxis: { title: { text: 'x' } },
        width: 300,
        height: expect.any(Number) as number,
      },
      config: { scrollZoom: true, displayModeBar: false, displaylogo: false, showSendToCloud: false },
    });
  });

  test('takes a figure whole, beside a configuration', async () => {
    const cell = await run('mnist.plot(mnist.softmaxBars([1, 2, 3]), { displayModeBar: true });');
    expect(displayMessages(cell)).toEqual(['display_data']);
    expect(figureOf(cell)).toMatchObject({
      data: [{ name: 'divided by the sum' }, { name: 'softmax' }],
      layout: { yaxis: { title: { text: 'probability' } } },
      config: { displayModeBar: true },
    });
    expect(cell.outputs[0].data!['text/plain']).toMatch(/^Bars for the logits 1, 2, 3: /);
  });

  test('turns typed arrays into lists', async () => {
    const trace = '{ x: Float32Array.of(1, 2.5), y: Int32Array.of(3, -4), z: [Uint8Array.of(5)] }';
    const cell = await run(`mnist.plot([${trace} as any]);`);
    expect(figureOf(cell).data).toEqual([{ x: [1, 2.5], y: [3, -4], z: [[5]] }]);
  });

  test('shows a figure that only a browser can draw as figure and description, without a wrong picture', async () => {
    const cell = await run("mnist.plot([{ type: 'scatter3d', x: [1], y: [2], z: [3] } as any]);");
    expect(Object.keys(cell.outputs[0].data!).sort()).toEqual([PLOTLY, 'text/plain']);
  });

  test('shows 60,000 points as figure and description', async () => {
    const cell = await run(`
      const many = Array.from({ length: 60_000 }, (_, index) => index);
      mnist.plot([{ x: many, y: many, mode: 'markers' }]);`);
    expect(Object.keys(cell.outputs[0].data!).sort()).toEqual([PLOTLY, 'text/plain']);
    expect(cell.outputs[0].data!['text/plain']).toBe('Figure: scatter (60000 values, 0 to 60000).');
  });

  test('shows the figures of one cell one below the other', async () => {
    const cell = await run('for (const y of [1, 2, 3]) mnist.plot([{ y: [y] }]);');
    expect(displayMessages(cell)).toEqual(['display_data', 'display_data', 'display_data']);
    expect(new Set(cell.displayIds).size).toBe(3);
  });

  test('redraws one output with each value of an Observable, also after the cell has ended', async () => {
    const cell = await run(`
      const values = new rxjs.Subject<mnist.Plot[]>();
      mnist.plot(values, { title: 'Live' });
      values.next([{ y: [1, 2] }]);
      values.next([{ y: [3, 4] }]);`);
    expect(displayMessages(cell)).toEqual(['display_data', 'update_display_data']);
    expect(cell.outputs).toHaveLength(1);
    expect(figureOf(cell)).toMatchObject({ data: [{ y: [3, 4] }], layout: { title: { text: 'Live' } } });
    const first = cell.outputs[0].data!['image/svg+xml'];

    const later = await run('values.next([{ y: [5, 6] }]); values.complete();');
    expect(displayMessages(later)).toEqual(['update_display_data']);
    expect(later.outputs).toEqual([]);
    expect(cell.outputs).toHaveLength(1);
    expect(figureOf(cell).data).toEqual([{ y: [5, 6] }]);
    expect(cell.outputs[0].data!['image/svg+xml']).not.toBe(first);
    expect(cell.outputs[0].data!['text/plain']).toBe('Figure "Live": scatter (2 values, 5 to 6).');
  });

  test('follows an Observable that emits by itself', async () => {
    const cell = await run('mnist.plot(rxjs.timer(0, 200).pipe(rxjs.take(4), rxjs.map((n) => [{ y: [0, n] }])));');
    await cell.until(/0 to 3/);
    expect(cell.outputs).toHaveLength(1);
    expect(displayMessages(cell)).toHaveLength(4);
  });

  test("shows an Observable's error and keeps the figures before it", async () => {
    const failing = await kernel.run("mnist.plot(rxjs.throwError(() => new Error('no data came')));");
    await failing.until(/no data came/);
    const late = await kernel.run(`
      const cut = rxjs.timer(100).pipe(rxjs.mergeMap(() => rxjs.throwError(() => new Error('line cut'))));
      mnist.plot(rxjs.concat(rxjs.of([{ y: [1] }]), cut));`);
    await late.until(/line cut/);
    expect(late.outputs[0].data).toHaveProperty([PLOTLY]);
    expect((await kernel.run('console.log(1 + 1)')).stdout).toBe('2\n');
  });
});

describe('plot(data, layout) outside a kernel', () => {
  let folder: string;
  let child: ChildProcess | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'plot-'));
  });
  afterEach(() => {
    child?.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  test('calls nodeplotlib, which serves the figure and opens a browser', async () => {
    // A fake browser that records the address it gets: `xdg-open` on Linux, `open` on macOS.
    const visited = join(folder, 'visited');
    for (const name of ['xdg-open', 'open']) {
      writeFileSync(
        join(folder, name),
        `#!/bin/sh\necho "$1" > ${visited}.partial && mv ${visited}.partial ${visited}\n`,
      );
      chmodSync(join(folder, name), 0o755);
    }
    const script =
      "require('mnist-lib').plot({ data: [{ x: [1, 2], y: [3, 4], type: 'bar' }], layout: { title: 'Two bars' } });";
    const environment = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
    child = spawn(process.execPath, ['-e', script], { cwd: root, env: environment, stdio: 'ignore' });
    const ended = once(child, 'exit');
    while (!existsSync(visited)) {
      await sleep(50);
    }
    const address = readFileSync(visited, 'utf8').trim();
    expect(address).toMatch(/^http:\/\/localhost:\d+$/);
    expect(await (await fetch(address)).text()).toContain('<html');

    // The requests of nodeplotlib's page, over engine.io by polling: open, connect, ask for the plots, listen, close.
    const polling = `${address}/socket.io/?EIO=4&transport=polling`;
    const { sid } = JSON.parse((await (await fetch(polling)).text()).slice(1)) as { sid: string };
    const post = (body: string) => fetch(`${polling}&sid=${sid}`, { method: 'POST', body });
    await post('40');
    await post('42["readplots"]');
    let received = '';
    while (!received.includes('plotdata')) {
      received += await (await fetch(`${polling}&sid=${sid}`)).text();
    }
    expect(received).toContain('"data":[{"x":[1,2],"y":[3,4],"type":"bar"}],"layout":{"title":"Two bars"}');

    await post('1'); // closing the page ends nodeplotlib
    await ended;
  });
});
