import { type Kernel, startKernel } from '../helpers/kernel';

let kernel: Kernel;
beforeAll(async () => {
  kernel = await startKernel();
  await kernel.run("import * as mnist from 'mnist-lib';\nconst epochs = 3;");
});
afterAll(() => kernel.stop());

/** The answer to Shift-Tab at `|`. */
async function inspect(marked: string): Promise<{ found: boolean; data: Record<string, string> }> {
  const [before, after] = marked.split('|');
  const reply = await kernel.request('inspect_request', {
    code: before + after,
    cursor_pos: [...before].length,
    detail_level: 0,
  });
  return reply as Awaited<ReturnType<typeof inspect>>;
}

interface Completion {
  matches: string[];
  cursor_start: number;
  cursor_end: number;
  metadata: { _jupyter_types_experimental: { text: string; type: string; start: number; end: number }[] };
}

/** The answer to Tab at `|`. */
async function complete(marked: string): Promise<Completion> {
  const [before, after] = marked.split('|');
  const reply = await kernel.request('complete_request', { code: before + after, cursor_pos: [...before].length });
  return reply as unknown as Completion;
}

describe('Tab', () => {
  test('after `mnist.` offers what the library exports', async () => {
    const { matches } = await complete('mnist.|');
    expect(matches).toEqual(
      expect.arrayContaining(['digitGrid', 'loadMnist', 'normalize', 'oneHot', 'plot', 'setSeed']),
    );
    expect(matches).not.toContain('epochs');
  });

  test('completes a name, with matches at its start first', async () => {
    expect(await complete('const data = mnist.loadMn|')).toMatchObject({ cursor_start: 19, cursor_end: 25 });
    expect((await complete('const data = mnist.loadMn|')).matches[0]).toBe('loadMnist');
    expect((await complete('epo|')).matches[0]).toBe('epochs');
  });

  test('while a cell runs leaves what that cell declares as it was written', async () => {
    const run = kernel.start(
      "const whole = 5;\nconsole.log('started');\nawait new Promise((resolve) => setTimeout(resolve, 500));",
    );
    await run.until(/started/);
    expect((await complete('const whole = "text"; epo|')).matches[0]).toBe('epochs');
    expect((await run.ended).status).toBe('ok');
    expect((await kernel.run('whole.toFixed(1)')).result).toBe("'5.0'");
    expect((await kernel.run('whole.length')).evalue).toContain("Property 'length' does not exist on type '5'");
  });

  test('returns the kind of each name', async () => {
    const { matches, metadata } = await complete('epochs.|');
    const kinds = metadata._jupyter_types_experimental.map(({ text, type }) => [text, type]);
    expect(kinds.map(([text]) => text)).toEqual(matches);
    expect(kinds).toContainEqual(['toFixed', 'method']);
    const names = (await complete('|')).metadata._jupyter_types_experimental;
    expect(names).toContainEqual({ text: 'epochs', type: 'const', start: 0, end: 0 });
  });

  test('counts code points as Jupyter does', async () => {
    expect(await complete('"😀😀😀😀"; mnist.lo|')).toMatchObject({
      matches: expect.arrayContaining(['loadMnist']) as unknown,
      cursor_start: 14,
      cursor_end: 16,
    });
  });
});

describe('Shift-Tab', () => {
  test('shows the type of a function and its documentation with all tags', async () => {
    const { data } = await inspect('mnist.digit|Grid');
    expect(data['text/plain']).toMatch(
      /^function digitGrid\(images: mnist\.IdxArray, indices: number\[\], titles\?: string\[\]\): mnist\.Figure\n\nPictures of digits/,
    );
    for (const tag of [
      '@param images uint8 [count',
      '@param indices the images',
      '@returns the figure',
      '@throws RangeError if',
      '@example plot(digitGrid(',
    ]) {
      expect(data['text/plain']).toContain(`\n${tag}`);
    }
  });

  test('shows the same as Markdown, which JupyterLab renders', async () => {
    const { data } = await inspect('mnist.load|Mnist();');
    expect(data['text/markdown']).toMatch(/^```typescript\nloadMnist\(\): mnist\.Mnist\n```\n\nLoads MNIST and checks/);
    expect(data['text/markdown']).toContain('\n\n*returns* the four arrays');
    expect(data['text/markdown']).toMatch(/\n\n```typescript\nconst \{ trainImages, .*loadMnist\(\);\n```$/);
  });

  test('between the parentheses of a call shows the function', async () => {
    expect((await inspect('mnist.digitGrid(|')).data['text/plain']).toMatch(/^digitGrid\(images: mnist\.IdxArray, /);
    expect((await inspect('mnist.digitGrid(f(1), [2, 3], |);')).data['text/plain']).toMatch(
      /^digitGrid\(images: mnist\.IdxArray, /,
    );
  });

  test('shows the type of a variable of an earlier cell, and of a value from the library', async () => {
    expect((await inspect('epo|chs')).data['text/plain']).toBe('const epochs: 3');
    expect((await inspect('const { trainImages } = mnist.loadMnist();\ntrainIm|ages;')).data['text/plain']).toContain(
      'IdxArray',
    );
  });

  test('reports that there is nothing to show', async () => {
    expect(await inspect(' | ')).toMatchObject({ found: false, data: {} });
  });

  test('shows inherited documentation, and that of JavaScript itself', async () => {
    await kernel.run("import * as tf from '@tensorflow/tfjs-node';\nconst dense = tf.layers.dense({ units: 1 });");
    // Dense inherits it from Layer, which is declared in another file.
    expect((await inspect('dense.getCon|fig()')).data['text/plain']).toContain('Returns the config of the layer.');
    expect((await inspect("new Map().s|et('a', 1)")).data['text/plain']).toContain('Adds a new element');
  });

  test('leaves out the tags that TensorFlow.js uses for its own website', async () => {
    const { data } = await inspect("import * as tf from '@tensorflow/tfjs-node';\ntf.sequen|tial;");
    expect(data['text/markdown']).toMatch(
      /Creates a `tf\.Sequential` model\.[^]*```js\nconst model = tf\.sequential\(\);/,
    );
    expect(data['text/markdown']).not.toContain('heading:');
  });
});
