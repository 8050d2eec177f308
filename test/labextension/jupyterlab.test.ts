import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Browser, type BrowserContext, type Route } from 'playwright-core';
import { describeInBrowser, launchBrowser } from '../helpers/browser';
import { Lab, OpenNotebook, RAN, RUNS, notebookOf } from '../helpers/lab';
import { type CodeCell, FIGURES, type Notebook, readNotebook, root, shownText } from '../helpers/notebook';
import { python } from '../helpers/python';
import { writeSmallData } from '../helpers/small-data';

const MINUTES = 60_000;
jest.setTimeout(5 * MINUTES);

const lecturePath = join(root, 'notebooks', 'mnist-dense.ipynb');
const lecture = readNotebook();
const indexOf = (id: string): number => lecture.cells.findIndex((cell) => cell.id === id);
const codeIndexes = lecture.cells.flatMap(({ cell_type }, index) => (cell_type === 'code' ? [index] : []));

/** The lecture without outputs, by default with one epoch of training. */
function freshLecture(epochs = 1): Notebook {
  const fresh = (cell: CodeCell): CodeCell => ({ ...cell, outputs: [], execution_count: null });
  const cells = lecture.cells.map((cell) => (cell.cell_type === 'code' ? fresh(cell) : cell));
  cells[indexOf('parameters')].source = cells[indexOf('parameters')].source.replace(
    /epochs = \d+/,
    `epochs = ${epochs}`,
  );
  return { ...lecture, cells };
}

describeInBrowser('the lecture in JupyterLab', () => {
  let lab: Lab;
  let browser: Browser;
  let context: BrowserContext;
  const data = mkdtempSync(join(tmpdir(), 'lab-data-'));
  const requests: string[] = [];
  const isLocal = (address: string) => ['127.0.0.1', ''].includes(new URL(address).hostname); // '': data: and blob:

  beforeAll(async () => {
    writeSmallData(data, 2000, 1000);
    [lab, browser] = await Promise.all([Lab.start({ MNIST_DIR: data }), launchBrowser()]);
    context = await browser.newContext({ viewport: { width: 1400, height: 1000 } });
    context.on('request', (request) => requests.push(request.url()));
    context.on('page', (page) => page.on('websocket', (socket) => requests.push(socket.url())));
  });
  afterAll(async () => {
    await browser?.close();
    await lab?.stop();
    rmSync(data, { recursive: true });
  });
  afterEach(() => Promise.all(context.pages().map((page) => page.close())));

  const open = (name: string, notebook: object): Promise<OpenNotebook> =>
    OpenNotebook.open(context, lab.put(name, notebook).address, (notebook as Notebook).cells.length);

  test('opens at the printed address, ready to run and without dialogs, and is not changed', async () => {
    const before = readFileSync(lecturePath);
    const notebook = await OpenNotebook.open(context, lab.address, lecture.cells.length);
    expect(await notebook.page.locator('.jp-Notebook h1').first().innerText()).toContain('Handwritten digits');
    expect(await notebook.page.locator('.jp-Dialog, .Toastify__toast').count()).toBe(0);
    await notebook.cell(indexOf('sample-grid')).locator('.js-plotly-plot').waitFor({ state: 'attached' });
    await notebook.screenshot('opened');
    // Scrolled to the very end, it shows the last cell: JupyterLab would go on to an empty page.
    const last = await notebook.cell(lecture.cells.length - 1).elementHandle();
    const scrollToEnd = (cell: Element): boolean => {
      const panel = cell.closest<HTMLElement>('.jp-WindowedPanel-outer')!;
      const isSettled = panel.dataset.height === String(panel.scrollHeight); // cells get their height when they are seen
      panel.dataset.height = String(panel.scrollHeight);
      panel.scrollTop = panel.scrollHeight;
      const { top, height } = panel.getBoundingClientRect();
      return isSettled && cell.getBoundingClientRect().bottom > top + height / 2;
    };
    await notebook.page.waitForFunction(scrollToEnd, last, { polling: 200 });
    await notebook.screenshot('end');
    await notebook.page.close();
    expect(readFileSync(lecturePath).equals(before)).toBe(true);
  });

  test('shows all figures of a notebook that is not trusted, whole and described, with the file browser and zoomed', async () => {
    // As output of another notebook, with plotly's toolbar
    const plotted = { data: [{ y: [1, 2] }], layout: {}, config: { displayModeBar: true } };
    const data = { 'application/vnd.plotly.v1+json': plotted, 'text/plain': 'A line.' };
    const own = { id: 'own', cell_type: 'code', source: '', metadata: {}, execution_count: null };
    const outputs = [{ output_type: 'display_data', metadata: {}, data }];
    const notebook = await open('untrusted.ipynb', { ...lecture, cells: [...lecture.cells, { ...own, outputs }] });
    const { page } = notebook;
    await page.locator('.jp-DirListing-item').first().waitFor(); // the file browser is open
    const largest: [number, number][] = [
      [1280, 720],
      [853, 480], // 1280 × 720 at 150 %
    ];
    for (const [width, height] of largest) {
      await page.setViewportSize({ width, height });
      for (const id of [...FIGURES, 'diagram', 'fit']) {
        const cell = notebook.cell(indexOf(id));
        await cell.scrollIntoViewIfNeeded();
        const picture = cell.locator('.svg-container, .jp-RenderedSVG img');
        await page.waitForFunction(
          (element) => {
            const output = element.closest('.jp-OutputArea-child')!.getBoundingClientRect();
            const { width, right, bottom } = element.getBoundingClientRect();
            return width > 100 && right <= output.right + 1 && bottom <= output.bottom + 1;
          },
          await picture.elementHandle(),
        );
        const words = shownText(lecture.cells[indexOf(id)] as CodeCell);
        expect(await cell.getByRole('img', { name: words, exact: true }).count()).toBe(1);
      }
      await notebook.screenshot(`untrusted-${width}`);
    }
    // plotly finds the mouse in a figure that has shrunk.
    await notebook.cell(indexOf('history')).locator('.point').nth(2).hover({ force: true });
    const value = notebook.cell(indexOf('history')).locator('.hovertext').first();
    await value.waitFor();
    expect(await value.textContent()).toMatch(/\b3\b/);
    await notebook.screenshot('hover-shrunk');

    await notebook.cell(lecture.cells.length).hover();
    const buttons = notebook.cell(lecture.cells.length).locator('.modebar-btn');
    await buttons.first().waitFor();
    const titles = await buttons.evaluateAll((all) => all.map((button) => button.getAttribute('data-title')));
    expect(titles.join()).toMatch(/Download plot as/);
    expect(titles.join()).not.toMatch(/Share/);
  });

  test('lists its headings in the table of contents', async () => {
    const notebook = await open('contents.ipynb', freshLecture());
    await notebook.page.locator('.jp-SideBar [data-id="table-of-contents"]').click();
    const list = notebook.page.locator('.jp-TableOfContents-content .jp-tocItem-content');
    await list.first().waitFor();
    const headings = lecture.cells.flatMap(({ cell_type, source }) =>
      cell_type === 'markdown' ? [...source.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading) : [],
    );
    expect(await list.allInnerTexts()).toEqual(headings);
    expect(headings.join()).not.toMatch(/[`$*_]/);
    await notebook.screenshot('table-of-contents');
  });

  test('runs by Run All without a further click, shows its figures in both themes, and repeats its results', async () => {
    const notebook = await open('run-all.ipynb', freshLecture());
    const figureIn = (id: string) => notebook.cell(indexOf(id)).locator('.js-plotly-plot');
    await notebook.menu('Run', 'Run All Cells');
    for (const index of codeIndexes) {
      await notebook.waitForPrompt(index, RAN);
    }
    expect(await notebook.page.locator('.jp-Dialog').count()).toBe(0);
    const errors = ['stderr', 'error'].map((kind) => `[data-mime-type="application/vnd.jupyter.${kind}"]`).join();
    expect(await notebook.page.locator(errors).allTextContents()).toEqual([]);
    expect(await notebook.outputText(indexOf('first-digit'))).toContain('The answer is 7');

    for (const id of FIGURES) {
      expect([id, await figureIn(id).count()]).toEqual([id, 1]);
      await notebook.screenshot(`light-${id}`, notebook.cell(indexOf(id)));
    }
    // JupyterLab shows an SVG in an <img>, in which no script can run.
    const diagram = notebook.cell(indexOf('diagram')).locator('[data-mime-type="image/svg+xml"] img');
    expect(await diagram.evaluate((img: HTMLImageElement) => img.complete && img.naturalWidth > 100)).toBe(true);
    await notebook.screenshot('light-diagram', notebook.cell(indexOf('diagram')));
    await notebook.screenshot('light-fit', notebook.cell(indexOf('fit')));

    for (const id of ['sample', 'softmax', 'one-hot', 'evaluate', 'wrong']) {
      const first = await notebook.outputText(indexOf(id));
      await notebook.run(indexOf(id));
      expect([id, await notebook.outputText(indexOf(id))]).toEqual([id, first]);
    }
    expect(await figureIn('softmax').count()).toBe(1);

    await notebook.menu('Settings', 'Theme', 'JupyterLab Dark');
    try {
      await notebook.page.locator('body[data-jp-theme-light="false"]').waitFor({ state: 'attached' });
      for (const id of FIGURES) {
        const card = figureIn(id).locator('.main-svg').first();
        expect(await card.evaluate((svg) => getComputedStyle(svg).backgroundColor)).toBe('rgb(255, 255, 255)');
      }
      await notebook.screenshot('dark-diagram', notebook.cell(indexOf('diagram')));
      await notebook.screenshot('dark-fit', notebook.cell(indexOf('fit')));
      await notebook.cell(indexOf('about-activations')).scrollIntoViewIfNeeded();
      await notebook.screenshot('dark');
    } finally {
      // JupyterLab stores the theme in the project's folder: restore it for the user.
      await notebook.menu('Settings', 'Theme', 'JupyterLab Light');
      await notebook.page.locator('body[data-jp-theme-light="true"]').waitFor({ state: 'attached' });
    }
  });

  test('exports and prints the page of `npm run lecture`, offline, and offers no format that cannot work', async () => {
    const prose = [
      '## Softmax',
      'Its $e^{z_i}$, in `${name}_${index}.png`, costs $5 and $6, or $\\left($.',
      '```ts\nconst s = `${a}$${b}`;\n```',
      '$$\\frac{1}{2}$$',
    ].join('\n\n');
    const { address, path } = lab.put('exported.ipynb', notebookOf({ cell_type: 'markdown', source: prose }, '1 + 1'));
    const notebook = await OpenNotebook.open(context, address, 2);
    await notebook.run(1);
    await notebook.save();

    const offered = notebook.page.locator('.lm-Menu').last().locator('.lm-Menu-item:visible .lm-Menu-itemLabel');
    await notebook.menu('File', 'Save and Export Notebook As');
    await offered.filter({ hasText: 'HTML' }).waitFor();
    expect(await offered.allTextContents()).toEqual(['HTML', 'Markdown', 'Executable Script']);
    await offered.filter({ hasText: 'HTML' }).click();
    // Playwright reports no download of a tab that closes at once: the same request is sent again.
    const request = context.waitForEvent('request', (sent) => sent.url().includes('/nbconvert/html/'));
    await notebook.page.locator('.jp-Dialog .jp-mod-accept').click(); // "Sanitize HTML output" is checked
    expect((await request).url()).toContain('sanitize_html=true');
    const exported = await (await fetch(`${(await request).url()}&${new URL(lab.address).search.slice(1)}`)).text();
    const printed = notebook.page.waitForResponse((response) => response.url().includes('/nbconvert/html/'));
    await notebook.menu('File', 'Print…');
    const script = `import sys; sys.path.insert(0, 'scripts'); import nbformat, run_notebook
notebook = nbformat.read(sys.argv[1], as_version=4)
print(run_notebook.page(notebook, title='exported'), end='')`;
    expect(await (await printed).text()).toBe(
      execFileSync(python, ['-c', script, path], { cwd: root, encoding: 'utf8' }),
    );

    const page = await context.newPage();
    for (const html of [exported, await (await printed).text()]) {
      await page.setContent(html);
      expect(await page.locator('h2').textContent()).toBe('Softmax¶');
      expect(await page.locator('p').allTextContents()).toEqual([
        'Its ezi, in ${name}_${index}.png, costs $5 and $6, or $\\left($.',
        '12',
      ]);
      expect(await page.locator('math').count()).toBe(2);
      expect(await page.locator('pre').allInnerTexts()).toEqual(['const s = `${a}$${b}`;\n', '1 + 1\n', '2']);
    }
  });

  test('runs by Run All even before the kernel has started', async () => {
    const { address } = lab.put('at-once.ipynb', notebookOf("console.log('first');", "console.log('second');"));
    let start = () => {};
    const started = new Promise<void>((resolve) => (start = resolve));
    const slowly = async (route: Route) => {
      if (route.request().method() === 'POST') {
        await started;
      }
      await route.continue();
    };
    await context.route('**/api/sessions?*', slowly);
    try {
      const notebook = await OpenNotebook.load(context, address, 2);
      await notebook.menu('Run', 'Run All Cells');
      start();
      await notebook.waitForPrompt(1, RAN);
      await notebook.cell(0).locator('.jp-OutputArea', { hasText: 'first' }).waitFor();
      expect([await notebook.outputText(0), await notebook.outputText(1)]).toEqual(['first', 'second']);
    } finally {
      await context.unroute('**/api/sessions?*', slowly);
    }
  });

  test('completes the names of the library, and shows their documentation', async () => {
    const notebook = await open('complete.ipynb', notebookOf("import * as mnist from 'mnist-lib';", ''));
    await notebook.run(0);
    await notebook.cell(1).locator('.cm-content').click();
    await notebook.page.keyboard.type('mnist.');
    await notebook.page.keyboard.press('Tab');
    const completions = notebook.page.locator('.jp-Completer-item');
    await completions.first().waitFor();
    const names = (await completions.allTextContents()).join(' ');
    for (const name of ['digitGrid', 'flatten', 'historyCurves', 'loadMnist']) {
      expect(names).toContain(name);
    }
    await notebook.page.locator('.jp-Completer-docpanel', { hasText: 'function accuracy(' }).waitFor();
    await notebook.screenshot('complete');

    await notebook.page.keyboard.press('Escape');
    await notebook.page.keyboard.type('loadMnist');
    await notebook.page.keyboard.press('Shift+Tab');
    await notebook.page.locator('.jp-Tooltip', { hasText: 'loadMnist(): ' }).waitFor();
    await notebook.page.locator('.jp-Tooltip', { hasText: 'Loads MNIST and checks that it is complete' }).waitFor();
    await notebook.screenshot('hover');
  });

  test('has a pad to draw on that keeps its keys, and a picture of it in a notebook that is not trusted', async () => {
    const imports = "import * as tf from '@tensorflow/tfjs-node';\nimport * as mnist from 'mnist-lib';";
    const network = `const model = tf.sequential();
      model.add(tf.layers.dense({ name: 'hidden', units: 1000, activation: 'relu', inputShape: [784] }));
      model.add(tf.layers.dense({ name: 'output', units: 10, activation: 'softmax' }));
      model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
      const history = await mnist.loadPretrained(model);`;
    const show = 'mnist.digitPad(model, mnist.loadMnist().testImages)';
    const { address, path } = lab.put('pad.ipynb', notebookOf(imports, network, show));
    const notebook = await OpenNotebook.open(context, address, 3);
    const { page } = notebook;
    for (const index of [0, 1, 2]) {
      await notebook.run(index);
    }
    const pad = notebook.cell(2).locator('.pad');
    await pad.scrollIntoViewIfNeeded();
    const { x, y, width } = (await pad.boundingBox())!;
    const points = [0.2, 0.12, 0.78, 0.14, 0.42, 0.92].map((share) => share * width);
    await page.mouse.move(x + points[0], y + points[1]);
    await page.mouse.down();
    await page.mouse.move(x + points[2], y + points[3]);
    await page.mouse.move(x + points[4], y + points[5]);
    await page.mouse.up();
    const guess = notebook.cell(2).locator('.guess');
    expect(await guess.innerText()).toMatch(/^7\b/);
    await notebook.screenshot('pad-in-jupyterlab');
    for (const keys of ['dd', 'z', 'x', 'a', 'b', 'm']) {
      await page.keyboard.type(keys); // commands of JupyterLab, which delete, add and change cells
    }
    await page.keyboard.press('Control+z');
    expect(await guess.innerText()).toBe('Nothing is drawn yet.');
    const sources = await page.locator('.jp-Notebook .jp-CodeCell .cm-content').allInnerTexts();
    expect([await page.locator('.jp-Notebook .jp-Cell').count(), sources[2]]).toEqual([3, show]);
    await notebook.cell(0).locator('.jp-InputArea-prompt').click(); // its keys are JupyterLab's again
    await notebook.save();

    const saved = JSON.parse(readFileSync(path, 'utf8')) as Notebook;
    saved.metadata.lang = 'en'; // JupyterLab trusts what it has saved, wherever it lies
    const other = await open('untrusted-pad.ipynb', saved);
    const output = other.cell(2).locator('.jp-RenderedHTML');
    const picture = output.getByRole('img', { name: /^A pad to draw a digit on/ });
    await picture.scrollIntoViewIfNeeded();
    expect(await picture.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBeGreaterThan(500);
    expect(await output.innerText()).toMatch(/^This is a still picture, because no script runs here\./);
    expect(await output.locator('.pad').count()).toBe(0);
    await other.screenshot('pad-untrusted');
  });

  test("stops a waiting cell by the toolbar's button; the next cell works, and so does a restart", async () => {
    const counted = `
      const all = globalThis as { runs?: number };
      all.runs = (all.runs ?? 0) + 1;
      console.log('run ' + all.runs);`;
    const waiting = 'await new Promise((resolve) => setTimeout(resolve, 3_600_000));';
    const notebook = await open('stop.ipynb', notebookOf(counted, waiting, 'console.log(`sum: ${1 + 1}`);'));
    await notebook.run(0);
    await notebook.run(0);
    expect(await notebook.outputText(0)).toBe('run 2');
    await notebook.start(1);
    await notebook.waitForPrompt(1, RUNS);
    await notebook.waitForStatus('busy');
    await notebook.page.locator('.jp-NotebookPanel-toolbar [data-jp-item-name="interrupt"]').click();
    await notebook.waitForPrompt(1, /^[^*]*$/);
    await notebook.screenshot('interrupted');
    await notebook.run(2);
    expect(await notebook.outputText(2)).toBe('sum: 2');

    await notebook.cell(1).locator('.cm-content').click();
    await notebook.page.keyboard.press('Control+A');
    await notebook.page.keyboard.type('console.log(2)');
    await notebook.menu('Kernel', 'Restart Kernel and Run All Cells…');
    await notebook.page.locator('.jp-Dialog .jp-mod-accept').click();
    await notebook.cell(0).locator('.jp-OutputArea', { hasText: 'run 1' }).waitFor(); // a new kernel, without earlier runs
    await notebook.waitForPrompt(2, /3/);
    expect(await notebook.outputText(2)).toBe('sum: 2');
  });

  test('runs no script of an untrusted notebook', async () => {
    const html = '<script>window.__ran = 1</script><img src="x:" onerror="window.__ran = 2"><p>shown</p>';
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" onload="window.__ran = 3"><script>window.__ran = 4</script></svg>';
    const output = (data: object) => ({ output_type: 'display_data', metadata: {}, data });
    const code = { cell_type: 'code', source: '1', execution_count: 1 };
    const notebook = await open(
      'foreign.ipynb',
      notebookOf(
        { ...code, outputs: [output({ 'text/html': html, 'text/plain': 'words' })] },
        { ...code, outputs: [output({ 'image/svg+xml': svg, 'text/plain': 'words' })] },
        { ...code, outputs: [output({ 'application/javascript': 'window.__ran = 5', 'text/plain': 'words' })] },
        { cell_type: 'markdown', source: html },
        "import { display } from 'tslab'; display.html('<script>window.__ran = 6</script>');",
      ),
    );
    const ran = () => notebook.page.evaluate(() => (window as { __ran?: number }).__ran);
    await notebook.cell(3).locator('p', { hasText: 'shown' }).waitFor();
    await notebook.cell(1).locator('.jp-RenderedSVG img').waitFor({ state: 'attached' });
    await notebook.screenshot('untrusted');
    expect(await ran()).toBeUndefined();
    // A cell that the user runs is trusted. This shows that the test would notice a script.
    await notebook.run(4);
    expect(await ran()).toBe(6);
  });

  describe('a tab that is closed while cells run and opened again', () => {
    test('shows training in progress, and the output of later cells', async () => {
      // Training waits after the second of eight epochs until the test lets it go on.
      const waiting = `callbacks: { onEpochEnd: async (epoch) => {
        while (epoch === 1 && !require('fs').existsSync('train-on')) await new Promise((resolve) => setTimeout(resolve, 20));
      } },`;
      const slow = freshLecture(8);
      slow.cells[indexOf('fit')].source = slow.cells[indexOf('fit')].source.replace(/(?=\n\}\);)/, `\n  ${waiting}`);
      const { address, path } = lab.put('closed-in-fit.ipynb', slow);
      const first = await OpenNotebook.open(context, address, lecture.cells.length);
      await first.menu('Run', 'Run All Cells');
      const curves = (notebook: OpenNotebook) =>
        notebook.cell(indexOf('fit')).locator('[data-mime-type="image/svg+xml"] img');
      await curves(first).waitFor();
      await first.page.close(); // never saved

      const second = await OpenNotebook.open(context, address, lecture.cells.length, 'busy');
      await second.waitForPrompt(indexOf('fit'), RUNS);
      await curves(second).waitFor();
      await second.screenshot('reopened-in-fit', second.cell(indexOf('fit')));
      const picture = () => curves(second).getAttribute('src');
      const early = await picture();
      writeFileSync(join(dirname(path), 'train-on'), '');
      for (const index of codeIndexes) {
        await second.waitForPrompt(index, RAN);
      }
      expect(await picture()).not.toBe(early);
      await second.screenshot('reopened-after-fit', second.cell(indexOf('fit')));
      expect(await second.outputText(indexOf('first-digit'))).toContain('The answer is 7');
      for (const id of FIGURES) {
        expect([id, await second.cell(indexOf(id)).locator('.js-plotly-plot').count()]).toEqual([id, 1]);
      }
      // A cell can be run again.
      await second.run(indexOf('evaluate'));
      expect(await second.outputText(indexOf('evaluate'))).toMatch(/accuracy/);
    });

    test('shows all output of a running cell and its error once, and no output that was cleared', async () => {
      const waiting = `
        import * as fs from 'fs';
        console.log('begun');
        while (!fs.existsSync('go-on')) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        console.log('resumed');
        throw new Error('over');`;
      const { address, path } = lab.put('closed.ipynb', notebookOf("console.log('early');", waiting));
      const first = await OpenNotebook.open(context, address, 2);
      await first.run(0);
      await first.menu('Edit', 'Clear Outputs of All Cells');
      await first.save();
      await first.start(1);
      await first.cell(1).locator('.jp-OutputArea', { hasText: 'begun' }).waitFor();
      await first.page.close();

      const second = await OpenNotebook.open(context, address, 2, 'busy');
      await second.cell(1).locator('.jp-OutputArea', { hasText: 'begun' }).waitFor();
      await second.waitForPrompt(1, RUNS);
      writeFileSync(join(dirname(path), 'go-on'), '');
      await second.waitForPrompt(1, RAN);
      expect(await second.outputText(1)).toMatch(/^begun\s+resumed\s+Error: over/);
      expect(await second.outputText(0)).toBe('');
    });
  });

  test('saved during training and opened again, keeps its outputs and its kernel', async () => {
    const { address, path } = lab.put('saved.ipynb', freshLecture(1000));
    const first = await OpenNotebook.open(context, address, lecture.cells.length);
    await first.cell(indexOf('fit')).locator('.jp-InputArea-prompt').click();
    await first.page.keyboard.press('ArrowDown');
    await first.menu('Run', 'Run All Above Selected Cell');
    await first.waitForPrompt(indexOf('compile'), RAN);
    await first.waitForPrompt(indexOf('fit'), RUNS);
    await first.save();
    await first.page.close();

    const kept = readNotebook(path).cells.filter((cell) => cell.cell_type === 'code');
    expect(kept.find(({ id }) => id === 'flatten')!.outputs).toHaveLength(1);
    const kinds = kept.flatMap(({ outputs }) => outputs.flatMap(({ data }) => Object.keys(data ?? {})));
    expect(new Set(kinds)).toEqual(new Set(['application/vnd.plotly.v1+json', 'image/svg+xml', 'text/plain']));
    const second = await OpenNotebook.open(context, address, lecture.cells.length, 'busy');
    // The figure is drawn from its data, not shown as the picture that plotly's extension would save.
    const grid = second.cell(indexOf('sample-grid')).locator('.jp-RenderedPlotly');
    await grid.locator('.main-svg').first().waitFor();
    expect(await grid.locator('img').isVisible()).toBe(false);
    await second.screenshot('saved-in-training', grid);
    await second.menu('Kernel', 'Interrupt Kernel');
    await second.start(indexOf('summary'));
    await second.cell(indexOf('summary')).locator('.jp-OutputArea', { hasText: '795010' }).waitFor();
    await second.waitForPrompt(indexOf('summary'), RAN);
  });

  test('shows 20,000 lines that a cell prints with an await after each, and becomes idle', async () => {
    const printing = `for (let i = 0; i < 20_000; i++) {
      console.log('line ' + i);
      await null;
    }`;
    const notebook = await open('lines.ipynb', notebookOf(printing, 'console.log(6 * 7);'));
    await notebook.run(0);
    await notebook.waitForStatus('idle');
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`);
    await notebook.cell(0).locator('.jp-OutputArea', { hasText: 'line 19999' }).waitFor();
    expect((await notebook.outputText(0)) === lines.join('\n')).toBe(true);
    await notebook.run(1);
    expect(await notebook.outputText(1)).toBe('42');
  });

  test('is shown as busy during Run All until the last cell has ended, and shows the output of each batch', async () => {
    const training = `import * as tf from '@tensorflow/tfjs-node';
      const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
      model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });`;
    const fit = `await model.fit(tf.zeros([5000, 1]), tf.zeros([5000, 1]), {
        batchSize: 10, epochs: 2, callbacks: { onBatchEnd: (batch) => console.log('batch ' + batch) },
      });
      console.log('over');`;
    const notebook = await open('busy.ipynb', notebookOf(training, fit, "console.log('last');"));
    const indicator = notebook.page.locator('.jp-Notebook-ExecutionIndicator');
    await indicator.evaluate((element) => {
      const states: (string | undefined)[] = ((window as { __states?: unknown }).__states = []);
      new MutationObserver(() => states.push(element.dataset.status)).observe(element, {
        attributeFilter: ['data-status'],
      });
    });
    await notebook.menu('Run', 'Run All Cells');
    await notebook.waitForPrompt(2, RAN);
    await notebook.waitForStatus('idle');
    const states = await notebook.page.evaluate(() => (window as { __states?: string[] }).__states!);
    expect(states.filter((state, index) => state !== states[index - 1])).toEqual(['busy', 'idle']);
    const batches = Array.from({ length: 1000 }, (_, index) => `batch ${index % 500}`);
    expect((await notebook.outputText(1)).split('\n').filter((line) => /^(batch|over)/.test(line))).toEqual([
      ...batches,
      'over',
    ]);
  });

  test('listens only on this machine, and requires its token', async () => {
    const { origin, port } = new URL(lab.address);
    expect((await fetch(`${origin}/api/contents`)).status).toBe(403);
    const others = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    for (const { address } of others.filter(({ internal, family }) => !internal && family === 'IPv4')) {
      await expect(fetch(`http://${address}:${port}/`)).rejects.toThrow();
    }
  });

  test('has sent no request to another machine', () => {
    expect(requests.length).toBeGreaterThan(100);
    expect(requests.filter((address) => !isLocal(address))).toEqual([]);
  });
});
