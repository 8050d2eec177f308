// The real JupyterLab, as `npm start` starts it, and a notebook of it in the real browser.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type BrowserContext, type Locator, type Page } from 'playwright-core';
import { root } from './notebook';

/** What stands beside a cell that runs or waits for those before it, and beside one that has run. */
export const RUNS = /\*/;
export const RAN = /\d/;

const LONGEST_WAIT_MS = 60_000;

// Below the project's folder, as JupyterLab shows no other; both are ignored by git.
const scratch = join(root, 'artifacts', `lab-${process.pid}`);
const screenshots = join(root, 'artifacts', 'screenshots');
const workspaces = join(root, '.jupyter', 'config', 'lab', 'workspaces');

/** A JupyterLab that runs. */
export class Lab {
  private opened = 0;

  private constructor(
    private child: ChildProcess,
    /** What `npm start` printed. */
    readonly address: string,
  ) {}

  static async start(): Promise<Lab> {
    const child = spawn(process.execPath, [join(root, 'scripts', 'start.mjs')], { stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    const address = await new Promise<string>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (text: Buffer) => {
          printed += text.toString();
          const found = /(http:\/\/\S+)\s/.exec(printed);
          if (found) {
            resolve(found[1]);
          }
        });
      }
      child.on('exit', () => reject(new Error(`JupyterLab did not start:\n${printed}`)));
    });
    mkdirSync(scratch, { recursive: true });
    mkdirSync(screenshots, { recursive: true });
    return new Lab(child, address);
  }

  /** Ends JupyterLab and its kernels as Ctrl-C does, and removes what the tests left in the project's folder. */
  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGINT');
    await ended;
    rmSync(scratch, { recursive: true, force: true });
    for (const name of readdirSync(workspaces).filter((file) => file.startsWith(`test-${process.pid}-`))) {
      rmSync(join(workspaces, name));
    }
  }

  /** Writes a notebook and gives its address, in a workspace of its own: without the tabs of other tests. */
  put(name: string, notebook: object): { path: string; address: string } {
    const path = join(scratch, name);
    writeFileSync(path, JSON.stringify(notebook));
    const { origin, search } = new URL(this.address);
    const workspace = `test-${process.pid}-${++this.opened}`;
    return { path, address: `${origin}/lab/workspaces/${workspace}/tree/${relative(root, path)}${search}` };
  }
}

/** A notebook in the format of nbformat 4.5, by default of code cells. */
export function notebookOf(...cells: (string | object)[]): object {
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: 'tslab', display_name: 'TypeScript', language: 'typescript' } },
    cells: cells.map((cell, index) => ({
      id: `cell-${index}`,
      metadata: {},
      ...(typeof cell === 'string' ? { cell_type: 'code', source: cell, outputs: [], execution_count: null } : cell),
    })),
  };
}

/** A notebook as a person has it open. */
export class OpenNotebook {
  private constructor(readonly page: Page) {}

  /** Opens it and waits until its cells are there; its kernel may not be yet. */
  static async load(context: BrowserContext, address: string, numCells: number): Promise<OpenNotebook> {
    const page = await context.newPage();
    page.setDefaultTimeout(LONGEST_WAIT_MS);
    await page.goto(address);
    await page.waitForFunction(
      (number) => document.querySelectorAll('.jp-Notebook .jp-Cell').length >= number,
      numCells,
    );
    return new OpenNotebook(page);
  }

  /** Opens it and waits until its kernel is ready, or still at work, as well. */
  static async open(
    context: BrowserContext,
    address: string,
    numCells: number,
    status: 'idle' | 'busy' = 'idle',
  ): Promise<OpenNotebook> {
    const notebook = await OpenNotebook.load(context, address, numCells);
    await notebook.page.locator('.jp-KernelName', { hasText: 'TypeScript' }).waitFor();
    await notebook.waitForStatus(status);
    return notebook;
  }

  /** Waits for what the circle beside the kernel's name tells. */
  async waitForStatus(status: 'idle' | 'busy'): Promise<void> {
    await this.page.locator(`.jp-Notebook-ExecutionIndicator[data-status="${status}"]`).waitFor({ state: 'attached' });
  }

  cell(index: number): Locator {
    return this.page.locator(`.jp-Notebook .jp-Cell[data-windowed-list-index="${index}"]`);
  }

  /** What a cell shows below its code, as text. */
  async outputText(index: number): Promise<string> {
    return (await this.cell(index).locator('.jp-Cell-outputArea').textContent())!.trim();
  }

  /** What stands beside a cell: `[ ]:` before a run, `[*]:` meanwhile, a number afterwards. */
  async prompt(index: number): Promise<string> {
    return (await this.cell(index).locator('.jp-InputArea-prompt').textContent())!;
  }

  /** Clicks through the menu bar. */
  async menu(...labels: string[]): Promise<void> {
    const [bar, ...items] = labels.map((label) => new RegExp(`^${label}$`));
    await this.page.locator('.lm-MenuBar-itemLabel', { hasText: bar }).click();
    for (const item of items) {
      await this.page.locator('.lm-Menu-itemLabel', { hasText: item }).last().click();
    }
  }

  /** Selects a cell and runs it; returns at once. */
  async start(index: number): Promise<void> {
    await this.cell(index).locator('.jp-InputArea-prompt').click();
    await this.page.keyboard.press('Control+Enter');
  }

  /** Runs a cell to its end. */
  async run(index: number): Promise<void> {
    const before = await this.prompt(index);
    await this.start(index);
    await this.waitForPrompt(index, RAN, before);
  }

  /** Waits until what stands beside a cell matches, and is no longer what it was. */
  async waitForPrompt(index: number, pattern: RegExp, before?: string): Promise<void> {
    const deadline = Date.now() + LONGEST_WAIT_MS;
    let now = await this.prompt(index);
    while (!pattern.test(now) || now === before) {
      if (Date.now() > deadline) {
        const output = await this.outputText(index);
        throw new Error(`${now} stands beside cell ${index} (expected ${pattern}), which has printed ${output}`);
      }
      await this.page.waitForTimeout(50);
      now = await this.prompt(index);
    }
  }

  /** Saves the notebook, and waits until it is on the disk. */
  async save(): Promise<void> {
    const isWrite = (method: string, url: string): boolean =>
      method === 'PUT' && new URL(url).pathname.startsWith('/api/contents/');
    // A page whose cells run has changed again at once.
    const written = this.page.waitForResponse((response) => isWrite(response.request().method(), response.url()));
    await this.page.keyboard.press('Control+S');
    await written;
  }

  /** Keeps a picture of the page, or of a part of it, for eyes to see. */
  async screenshot(name: string, part?: Locator): Promise<void> {
    await part?.scrollIntoViewIfNeeded();
    await (part ?? this.page).screenshot({ path: join(screenshots, `${name}.png`) });
  }
}
