// The real JupyterLab, started by `npm start`, and a notebook in a real browser.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type BrowserContext, type Locator, type Page } from 'playwright-core';
import { screenshots } from './browser';
import { root } from './notebook';

/** The prompts of a cell that runs or is queued, and of a cell that has run. */
export const RUNS = /\*/;
export const RAN = /\d/;

const MAX_WAIT_MS = 60_000;

// In the project's folder, because JupyterLab shows no other. Git ignores both.
const scratch = join(root, 'artifacts', `lab-${process.pid}`);
const workspaces = join(root, '.jupyter', 'config', 'lab', 'workspaces');

/** A running JupyterLab. */
export class Lab {
  private opened = 0;

  private constructor(
    private child: ChildProcess,
    /** The address that `npm start` printed. */
    readonly address: string,
  ) {}

  /** @param env environment variables in addition to those of this process. */
  static async start(env: Record<string, string>): Promise<Lab> {
    const child = spawn(process.execPath, [join(root, 'scripts', 'start.mjs')], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
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
    return new Lab(child, address);
  }

  /** Ends JupyterLab and its kernels as Ctrl-C does, and removes the tests' files from the project's folder. */
  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGINT');
    await ended;
    rmSync(scratch, { recursive: true, force: true });
    for (const name of readdirSync(workspaces).filter((file) => file.startsWith(`test-${process.pid}-`))) {
      rmSync(join(workspaces, name));
    }
  }

  /** Writes a notebook. Its address opens it in a new workspace, without the tabs of other tests. */
  put(name: string, notebook: object): { path: string; address: string } {
    const path = join(scratch, name);
    writeFileSync(path, JSON.stringify(notebook));
    const { origin, search } = new URL(this.address);
    const workspace = `test-${process.pid}-${++this.opened}`;
    return { path, address: `${origin}/lab/workspaces/${workspace}/tree/${relative(root, path)}${search}` };
  }
}

/** A notebook in nbformat 4.5. Strings become code cells. */
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

/** A notebook that is open in a browser. */
export class OpenNotebook {
  private constructor(readonly page: Page) {}

  /** Opens a notebook and waits until its cells are shown; its kernel may not be ready. */
  static async load(context: BrowserContext, address: string, numCells: number): Promise<OpenNotebook> {
    const page = await context.newPage();
    page.setDefaultTimeout(MAX_WAIT_MS);
    await page.goto(address);
    await page.waitForFunction(
      (number) => document.querySelectorAll('.jp-Notebook .jp-Cell').length >= number,
      numCells,
    );
    await page.locator('.lm-DockPanel-tabBar .jp-mod-current').waitFor(); // before, menus have nothing to act on
    return new OpenNotebook(page);
  }

  /** Opens a notebook and waits until its kernel has the given status. */
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

  /** Waits until the indicator beside the kernel's name shows a status. */
  async waitForStatus(status: 'idle' | 'busy'): Promise<void> {
    await this.page.locator(`.jp-Notebook-ExecutionIndicator[data-status="${status}"]`).waitFor({ state: 'attached' });
  }

  cell(index: number): Locator {
    return this.page.locator(`.jp-Notebook .jp-Cell[data-windowed-list-index="${index}"]`);
  }

  /** The text of a cell's output, once JupyterLab has drawn it: it draws text in an animation frame. */
  async outputText(index: number): Promise<string> {
    await this.page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    );
    const outputs = this.cell(index).locator('.jp-OutputArea-output'); // without their prompts
    return (await outputs.allTextContents()).join('').trim();
  }

  /** A cell's prompt: `[ ]:` before a run, `[*]:` during it, a number afterwards. */
  async prompt(index: number): Promise<string> {
    return (await this.cell(index).locator('.jp-InputArea-prompt').textContent())!;
  }

  /** Clicks a menu and its items, such as `Run`, `Run All Cells`. */
  async menu(...labels: string[]): Promise<void> {
    const [bar, ...items] = labels.map((label) => new RegExp(`^${label}$`));
    await this.page.locator('.lm-MenuBar-itemLabel', { hasText: bar }).click();
    for (const item of items) {
      await this.page.locator('.lm-Menu-itemLabel', { hasText: item }).last().click();
    }
  }

  /** Starts a cell. */
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

  /** Waits until a cell's prompt matches and differs from an earlier one. */
  async waitForPrompt(index: number, pattern: RegExp, before?: string): Promise<void> {
    const deadline = Date.now() + MAX_WAIT_MS;
    let now = await this.prompt(index);
    while (!pattern.test(now) || now === before) {
      if (Date.now() > deadline) {
        const output = await this.outputText(index);
        throw new Error(`the prompt of cell ${index} is ${now} (expected ${pattern}); its output is ${output}`);
      }
      await this.page.waitForTimeout(50);
      now = await this.prompt(index);
    }
  }

  /** Saves the notebook and waits until it is written. */
  async save(): Promise<void> {
    const isWrite = (method: string, url: string): boolean =>
      method === 'PUT' && new URL(url).pathname.startsWith('/api/contents/');
    // Wait for the request: while cells run, the page never looks saved.
    const written = this.page.waitForResponse((response) => isWrite(response.request().method(), response.url()));
    await this.page.keyboard.press('Control+S');
    await written;
  }

  /** Saves a picture of the page, or of a part of it, to be looked at. */
  async screenshot(name: string, part?: Locator): Promise<void> {
    await part?.scrollIntoViewIfNeeded();
    await (part ?? this.page).screenshot({ path: join(screenshots, `${name}.png`) });
  }
}
