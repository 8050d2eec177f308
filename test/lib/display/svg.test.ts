import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import {
  type Layout,
  type Plot,
  accuracyDots,
  activationCurves,
  answersFigure,
  confusionFigure,
  crossEntropyCurve,
  digitGrid,
  firstOf,
  gradientDescentFigure,
  historyCurves,
  loadMnist,
  oneHotFigure,
  probabilityBars,
  reliabilityFigure,
  softmaxBars,
} from 'mnist-lib';
import { renderSvg } from 'mnist-lib/dist/display/svg';
import { JSDOM } from 'jsdom';
import { type Browser, type Page } from 'playwright-core';
import { describeInBrowser, launchBrowser } from '../../helpers/browser';
import { root } from '../../helpers/notebook';
import { expectSvgSnapshot } from '../../helpers/svg-snapshot';
import { withTensor } from '../../helpers/with-tensor';

const { testImages } = loadMnist();
const ANSWERS = [
  [0, 0, 0, 0.25, 0, 0, 0, 0.75, 0, 0],
  [0, 0.5, 0.25, 0.25, 0, 0, 0, 0, 0, 0],
];
const TITLES = ['7 → 9', 'two', 'three', 'four', 'five', '<b>6</b> & <i>0</i>'];
const FIGURES = {
  'accuracy-dots': accuracyDots(
    [
      { name: '100', accuracies: [0.937, 0.9337, 0.9369] },
      { name: '300', accuracies: [0.9455, 0.9469, 0.9433] },
      { name: '1000', accuracies: [0.9559] },
    ],
    'neurons',
  ),
  'activation-curves': activationCurves(),
  'answers-figure': withTensor(ANSWERS, (rows) => answersFigure(firstOf(testImages, 2), [0, 1], [7, 2], rows)),
  'digit-grid': digitGrid(testImages, [0, 1, 2, 3, 4, 5], TITLES),
  'digit-alone': digitGrid(testImages, [0]),
  'history-curves': historyCurves({
    loss: [0.27, 0.11, 0.07],
    val_loss: [0.14, 0.09, 0.07],
    acc: [0.924, 0.968, 0.98],
    val_acc: [0.958, 0.973, 0.978],
  }),
  'confusion-figure': confusionFigure([
    [50, 0, 3],
    [1, 45, 0],
    [9, 2, 1130],
  ]),
  'cross-entropy-curve': crossEntropyCurve(),
  'gradient-descent-figure': gradientDescentFigure(),
  'one-hot-figure': oneHotFigure(5),
  'probability-bars': probabilityBars([0.0001, 0.0002, 0.001, 0.31, 0, 0.002, 0.0001, 0.006, 0.67, 0.0106], 3),
  'reliability-figure': reliabilityFigure({
    bins: [
      { from: 0, to: 0.5, count: 0, confidence: NaN, accuracy: NaN },
      { from: 0.5, to: 0.75, count: 4, confidence: 0.6, accuracy: 0.5 },
      { from: 0.75, to: 1, count: 96, confidence: 0.99, accuracy: 0.98 },
    ],
    error: 0.0136,
  }),
  'softmax-bars': softmaxBars([1, 2, 3]),
  'softmax-bars-of-both-signs': softmaxBars([-2, 1, 3]),
};

const TEXT_SIZE = 16;
const size = { width: 400, height: 300 };
const points = [{ x: [1, 2], y: [3, 4] }];
const parsed = (svg: string): Document => new JSDOM(svg, { contentType: 'image/svg+xml' }).window.document;
const textsOf = (svg: string) => [...parsed(svg).querySelectorAll('text')].map(({ textContent }) => textContent);

describe('renderSvg(data, layout)', () => {
  test.each(Object.entries(FIGURES))('draws %s as in the snapshot', (name, { data, layout }) => {
    expectSvgSnapshot(name, renderSvg(data, layout));
  });

  test('returns a document of the given size, with labelled axes', () => {
    const svg = renderSvg(points, { ...size, xaxis: { title: { text: 'time' } } });
    const { documentElement } = parsed(svg);
    expect(['width', 'height'].map((name) => documentElement.getAttribute(name))).toEqual(['400', '300']);
    expect(textsOf(svg)).toEqual(expect.arrayContaining(['1', '2', '3', '4', 'time']));
  });

  test('returns the same text for the same figure, and other ids for another figure', () => {
    const ids = (svg: string) => [...svg.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    const [first, other] = [renderSvg(points, size), renderSvg([{ x: [1, 2], y: [3, 5] }], size)];
    expect(renderSvg(points, size)).toBe(first);
    expect(ids(first).length).toBeGreaterThan(0);
    expect(ids(first).filter((id) => ids(other).includes(id))).toEqual([]);
  });

  test('does not change data and layout', () => {
    const [data, layout]: [Plot[], Layout] = [[{ y: [1, 2] }], { ...size }];
    renderSvg(data, layout);
    expect([data, layout]).toEqual([[{ y: [1, 2] }], size]);
  });

  test.each(Object.entries(FIGURES))(
    'draws %s at most 720 pixels wide, with text of at least 14 pixels',
    (_name, { data, layout }) => {
      const { documentElement } = parsed(renderSvg(data, layout));
      expect(Number(documentElement.getAttribute('width'))).toBeLessThanOrEqual(720);
      const sizes = [...documentElement.querySelectorAll<SVGElement>('text, tspan')]
        .map(({ style }) => parseFloat(style.fontSize))
        .filter((pixels) => !Number.isNaN(pixels)); // a tspan may have none of its own
      expect(Math.min(...sizes, 14)).toBe(14);
    },
  );

  test('shrinks with the place where it is shown', () => {
    const svg = parsed(renderSvg(points, size)).documentElement;
    expect(svg.getAttribute('viewBox')).toBe('0 0 400 300');
    expect(svg.getAttribute('style')).toContain('max-width: 100%; height: auto');
  });

  test('draws the cells of a heat map as sharp squares', () => {
    const heatmap = { type: 'heatmap', z: [[1, 2], [3, 4]], showscale: false } as Plot; // prettier-ignore
    const images = [
      ...parsed(renderSvg([heatmap], { ...size, margin: { l: 0, r: 0, t: 0, b: 0 } })).querySelectorAll('image'),
    ];
    expect(images).toHaveLength(1);
    expect(images[0].getAttribute('style')).toContain('image-rendering: pixelated');
    expect(['width', 'height'].map((name) => images[0].getAttribute(name))).toEqual(['400', '300']);
  });

  test('keeps digits square in a figure that is stretched', () => {
    const { data, layout } = FIGURES['digit-alone'];
    const image = parsed(renderSvg(data, { ...layout, width: 2 * layout.width! })).querySelector('image')!;
    expect(['width', 'height'].map((name) => image.getAttribute(name))).toEqual(['304', '304']);
  });

  test('escapes a title that contains markup', () => {
    const text = '<script>alert(1)</script><img src=x onerror=alert(2)><a href="javascript:alert(3)">link</a>';
    const svg = renderSvg([{ ...points[0], name: text, text: [text, text], mode: 'text' }], {
      ...size,
      title: { text },
      showlegend: true,
    });
    for (const document of [parsed(svg), new JSDOM(`<body>${svg}</body>`).window.document]) {
      expect(document.querySelectorAll('script, img, foreignObject')).toHaveLength(0);
      for (const element of document.querySelectorAll('*')) {
        const scripts = [...element.attributes].filter(
          ({ name, value }) => /^on/i.test(name) || /javascript:/i.test(value),
        );
        expect(scripts).toEqual([]);
      }
    }
    expect(textsOf(svg).join()).toContain('<script>alert(1)</script>');
  });

  test('draws any number of values as a line, a histogram or a heat map', () => {
    const many = Array.from({ length: 784_000 }, (_, index) => Math.sin(index));
    for (const trace of [{ y: many }, { type: 'histogram', x: many }, { type: 'heatmap', z: [many] }] as Plot[]) {
      const svg = renderSvg([trace], size);
      expect(svg.length).toBeGreaterThan(renderSvg([], size).length);
      expect(svg.length).toBeLessThan(1_000_000);
    }
  });

  test.each([
    { mode: 'markers', x: new Float32Array(60_000), y: new Float32Array(60_000) },
    { mode: 'text', x: new Array<number>(60_000).fill(1), text: [] },
    { type: 'bar', y: new Array<number>(60_000).fill(1) },
  ] as unknown as Plot[])('refuses 60,000 marks, which would take a minute, with the reason', (trace) => {
    expect(() => renderSvg([trace], size)).toThrow('60000 marks cannot be drawn without a browser (at most 10000)');
  });

  test.each<[string, Plot, Layout]>([
    ['a trace', { type: 'image', source: 'data:image/png;base64,iVBORw0KGgo=' } as unknown as Plot, {}],
    ['a layout', points[0], { images: [{ source: 'http://127.0.0.1:9/digit.png', x: 0, y: 0, sizex: 1, sizey: 1 }] }],
  ])('refuses an image to load in %s at once', (_where, trace, layout) => {
    expect(() => renderSvg([trace], layout)).toThrow('an image from elsewhere cannot be drawn without a browser');
  });

  test('draws the arrow of an annotation', () => {
    const svg = renderSvg(points, { ...size, annotations: [{ x: 1.5, y: 3.5, text: 'here', ax: 30, ay: -40 }] });
    expect(textsOf(svg)).toContain('here');
    expect(parsed(svg).querySelectorAll('.annotation-arrow-g path')).toHaveLength(2); // the line and its head
  });

  test("writes none of plotly's warnings, which are stack traces", () => {
    const script = `
      const { renderSvg } = require('mnist-lib/dist/display/svg');
      console.log(renderSvg([{ y: [1, 2], marker: { color: 'no-color' } }], { title: { text: '$x$' } }).slice(0, 4));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: root, encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: '<svg\n', stderr: '' });
  });

  test('quotes font names as in CSS', () => {
    expect(renderSvg(points, size)).toContain("font-family: 'Open Sans', verdana, arial, sans-serif");
  });

  test.each(['scatter3d', 'choropleth', 'no-such-kind'])('refuses a trace of type %s, with the reason', (type) => {
    const trace = { type, x: [1], y: [1], z: [1] } as Plot;
    expect(() => renderSvg([points[0], trace], size)).toThrow(
      `a trace of type '${type}' cannot be drawn without a browser`,
    );
    expect(renderSvg(points, size)).toContain('<svg'); // the worker still works
  });
});

const describeOnLinux = process.platform === 'linux' ? describe : describe.skip;

describeOnLinux('the thread of plotly.js', () => {
  const threads = (): number => readdirSync('/proc/self/task').length;

  beforeAll(() => jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] }));
  afterAll(() => jest.useRealTimers());

  async function hasEnded(without: number): Promise<void> {
    while (threads() > without) {
      await new Promise((resolve) => setImmediate(resolve)); // fails by jest's time limit
    }
  }

  test.each([1, 20])(
    'ends after a pause that is five times as long as its first figure took, %d s, and starts again for the next one',
    async (seconds) => {
      const svg = renderSvg(points, size);
      const without = threads() - 1;
      jest.advanceTimersByTime(150_000); // whatever an earlier first figure took
      await hasEnded(without);

      const now = jest.spyOn(performance, 'now').mockReturnValueOnce(0);
      now.mockReturnValueOnce(1000 * seconds);
      expect(renderSvg(points, size)).toBe(svg);
      jest.advanceTimersByTime(4900 * seconds);
      renderSvg(points, size); // takes less, which changes nothing
      jest.advanceTimersByTime(4900 * seconds);
      expect(threads()).toBe(without + 1);
      jest.advanceTimersByTime(100 * seconds);
      await hasEnded(without);
    },
  );
});

describeInBrowser('a picture drawn without a browser', () => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    browser = await launchBrowser();
    page = await browser.newPage();
    await page.setContent('<body style="margin: 0"></body>');
    await page.addScriptTag({ content: readFileSync(require.resolve('plotly.js-cartesian-dist-min'), 'utf8') });
  });
  afterAll(() => browser?.close());

  // The parts of a figure, in document order: [kind, text, left, top, right, bottom].
  type Part = [string, string, number, number, number, number];
  const PARTS = [
    ...['.bglayer .bg', '.xtick text', '.ytick text', '.xtitle', '.ytitle', '.annotation-text', '.legendtext'],
    ...['.point path', '.js-line', '.hm image', '.imagelayer image', '.textpoint text', '.bars text'],
  ].join();

  async function partsOf(draw: () => Promise<void>): Promise<Part[]> {
    await page.evaluate(() => document.body.replaceChildren());
    await draw();
    return page.evaluate(
      (selector) =>
        [...document.querySelectorAll(selector)].map((part): Part => {
          const { left, top, right, bottom } = part.getBoundingClientRect();
          return [part.getAttribute('class') ?? part.tagName, part.textContent ?? '', left, top, right, bottom];
        }),
      PARTS,
    );
  }

  test.each(Object.entries(FIGURES))(
    'has the parts of %s where plotly.js in Chromium puts them',
    async (_name, figure) => {
      const { data, layout } = figure;
      const ours = await partsOf(async () => {
        await page.evaluate((svg) => document.body.insertAdjacentHTML('beforeend', svg), renderSvg(data, layout));
      });
      const theirs = await partsOf(async () => {
        await page.evaluate(
          async ([traces, look]) => {
            const { Plotly } = globalThis as unknown as { Plotly: { newPlot(...args: unknown[]): Promise<Element> } };
            const element = document.body.appendChild(document.createElement('div'));
            await Plotly.newPlot(element, traces, look, { staticPlot: true });
          },
          [data, layout] as const,
        );
      });
      const labels = (parts: Part[]) => parts.map(([kind, text]) => [kind, text]);
      expect(ours.length).toBeGreaterThanOrEqual(data.length);
      expect(labels(ours)).toEqual(labels(theirs));
      const distances = ours.map(([kind, text, ...box], index) => ({
        part: `${kind} ${text}`,
        pixels: Math.max(...box.map((edge, side) => Math.abs(edge - (theirs[index].slice(2) as number[])[side]))),
      }));
      expect(distances.filter(({ pixels }) => pixels > TEXT_SIZE / 5)).toEqual([]);
    },
  );
});
