// The lecture's JupyterLab extension. Set-up copies it into .venv.
//
// This is a container of webpack's module federation, written by hand, so there is nothing to build:
// https://jupyterlab.readthedocs.io/en/stable/extension/extension_dev.html
(() => {
  const NAME = 'mnist-lecture';
  const PLOTLY = 'application/vnd.plotly.v1+json';
  const address = /** @type {HTMLScriptElement} */ (document.currentScript).src;
  /** @type {Record<string, Record<string, { get: () => Promise<() => object> }>>} */
  let shared;

  /**
   * Loads one of JupyterLab's own modules.
   *
   * @template {keyof Modules} Name
   * @param {Name} name
   * @returns {Promise<Modules[Name]>}
   */
  async function load(name) {
    const [{ get }] = Object.values(shared[name]);
    return /** @type {Modules[Name]} */ ((await get())());
  }

  /**
   * Replays output into a page that is opened while cells run, or after they ended unsaved, and then shows new output.
   * kernel/output/replay.ts is the other end.
   */
  async function followRuns() {
    const { INotebookTracker } = await load('@jupyterlab/notebook');
    const { CodeCell } = await load('@jupyterlab/cells');

    /** @param {NotebookPanel} panel */
    async function follow({ content: notebook, context, sessionContext }) {
      await Promise.all([context.ready, sessionContext.ready]);
      const kernel = sessionContext.session?.kernel;
      if (kernel?.name !== 'tslab') {
        return;
      }
      const { content } = await kernel.requestCommInfo({ target_name: 'cell' });
      const saved = new Date(context.contentsModel.last_modified);
      for (const cell of notebook.widgets) {
        const run = content.comms?.[cell.model.id];
        if (run && run.session !== kernel.clientId && (!run.hasEnded || new Date(run.changed) > saved)) {
          // With `follows`, the kernel does not run the cell again: it relays the output of its last run. The promise is
          // rejected if that run failed or was stopped, which the output shows.
          CodeCell.execute(cell, sessionContext, { follows: true }).catch(() => {});
        }
      }
    }

    return {
      id: `${NAME}:follow-runs`,
      autoStart: true,
      requires: [INotebookTracker],
      /**
       * @param {unknown} _app
       * @param {NotebookTracker} tracker
       */
      activate(_app, tracker) {
        tracker.forEach((panel) => void follow(panel));
        tracker.widgetAdded.connect((_sender, panel) => void follow(panel));
      },
    };
  }

  /** Lets cells wait for the kernel. Without it, Run All does nothing while the kernel is still starting. */
  async function runWhenReady() {
    const { INotebookCellExecutor, runCell } = await load('@jupyterlab/notebook');

    return {
      id: `${NAME}:run-when-ready`,
      autoStart: true,
      provides: INotebookCellExecutor,
      activate: () => ({
        /** @param {{ sessionContext?: SessionContext }} options */
        async runCell(options) {
          const { sessionContext } = options;
          if (sessionContext && !sessionContext.hasNoKernel) {
            await sessionContext.ready;
          }
          return runCell(options);
        },
      }),
    };
  }

  /** Shows figures whole, with their description for those who cannot see them. */
  async function drawFigures() {
    const { IRenderMimeRegistry } = await load('@jupyterlab/rendermime');

    /**
     * Always draws a figure from its data. plotly's extension saves a picture as wide as the page in the notebook. When
     * the notebook is opened again, it shows that picture, stretched, until the mouse is over it.
     *
     * @type {Draw}
     */
    async function drawPlotly(render, { data, metadata, trusted }, node) {
      const figure = /** @type {Figure} */ (data[PLOTLY]);
      // Without the button "Share chart...", which uploads the figure.
      const config = { ...figure.config, showSendToCloud: false };
      await render({ data: { [PLOTLY]: { ...figure, config } }, metadata, trusted, setData() {} });
      node.setAttribute('role', 'img');
      node.setAttribute('aria-label', description(data));
      const { width, height = 360 } = figure.layout ?? {}; // 360: as plotly's extension sets it
      if (width) {
        shrink(node, width, height);
      }
    }

    /**
     * Shows SVG in notebooks that are not trusted, too. JupyterLab refuses this, although it shows SVG in an <img>, in
     * which a browser runs no script and loads nothing.
     *
     * @type {Draw}
     */
    async function drawSvg(render, { data, metadata, setData }, node) {
      await render({ data, metadata, trusted: true, setData });
      node.querySelector('img')?.setAttribute('alt', description(data));
    }

    /** @param {MimeModel['data']} data */
    const description = (data) => [data['text/plain'] ?? ''].flat().join('');

    /**
     * Keeps a figure of fixed size inside its cell.
     *
     * @param {HTMLElement} node as wide as the cell. plotly finds the mouse also if this element is transformed.
     * @param {number} width
     * @param {number} height
     */
    function shrink(node, width, height) {
      new ResizeObserver(() => {
        const scale = Math.min(1, node.clientWidth / width);
        if (scale > 0) {
          node.style.transform = scale < 1 ? `scale(${scale})` : '';
          node.style.marginBottom = `${(scale - 1) * height}px`;
        }
      }).observe(node);
    }

    return {
      id: `${NAME}:draw-figures`,
      autoStart: true,
      requires: [IRenderMimeRegistry],
      /**
       * @param {{ started: Promise<void> }} app
       * @param {RendererRegistry} registry
       */
      activate(app, registry) {
        /**
         * @param {string} mimeType
         * @param {Draw} draw
         */
        function drawBy(mimeType, draw) {
          const factory = registry.getFactory(mimeType);
          if (!factory) {
            return;
          }
          /** @param {object} options */
          function createRenderer(options) {
            const renderer = /** @type {RendererFactory} */ (factory).createRenderer(options);
            const render = renderer.renderModel.bind(renderer);
            renderer.renderModel = (model) => draw(render, model, renderer.node);
            return renderer;
          }
          registry.addFactory({ ...factory, safe: true, createRenderer }, registry.getRank(mimeType));
        }

        drawBy('image/svg+xml', drawSvg);
        // Wait until all extensions are active, including plotly's.
        void app.started.then(() => drawBy(PLOTLY, drawPlotly));
      },
    };
  }

  /** Adds the style sheet, which lies beside this script, to the page. */
  function addStyle() {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = new URL('style.css', address).href;
    document.head.append(link);
    return {};
  }

  const page = /** @type {{ _JUPYTERLAB?: Record<string, object> }} */ (globalThis);
  page._JUPYTERLAB ??= {};
  page._JUPYTERLAB[NAME] = {
    /** @param {typeof shared} scope */
    init: (scope) => void (shared = scope),
    /** @param {string} module */
    get: async (module) => {
      if (module === './style') {
        return addStyle;
      }
      const plugins = await Promise.all([runWhenReady(), followRuns(), drawFigures()]);
      return () => plugins;
    },
  };
})();

// The parts of JupyterLab's types that are used above.
/**
 * @typedef {{
 *   '@jupyterlab/notebook': {
 *     INotebookTracker: object,
 *     INotebookCellExecutor: object,
 *     runCell: (options: object) => Promise<boolean>,
 *   },
 *   '@jupyterlab/cells': {
 *     CodeCell: { execute: (cell: Cell, context: SessionContext, metadata: object) => Promise<unknown> },
 *   },
 *   '@jupyterlab/rendermime': { IRenderMimeRegistry: object },
 * }} Modules
 * @typedef {{ model: { id: string } }} Cell
 */
/** @typedef {{ session: string, hasEnded: boolean, changed: string }} Run as kernel/output/replay.ts describes it */
/**
 * @typedef {object} Kernel
 * @property {string} name
 * @property {string} clientId
 * @property {(request: { target_name: string }) => Promise<{ content: { comms?: Record<string, Run> } }>} requestCommInfo
 *
 * @typedef {object} SessionContext
 * @property {Promise<void>} ready
 * @property {boolean} hasNoKernel
 * @property {{ kernel: Kernel | null } | null} session
 *
 * @typedef {object} NotebookPanel
 * @property {{ widgets: Cell[] }} content
 * @property {{ ready: Promise<void>, contentsModel: { last_modified: string } }} context once it is ready
 * @property {SessionContext} sessionContext
 *
 * @typedef {object} NotebookTracker
 * @property {(visit: (panel: NotebookPanel) => void) => void} forEach
 * @property {{ connect: (slot: (sender: unknown, panel: NotebookPanel) => void) => void }} widgetAdded
 *
 * @typedef {object} MimeModel
 * @property {Record<string, unknown>} data
 * @property {object} metadata
 * @property {boolean} trusted
 * @property {(options: object) => void} setData
 *
 * @typedef {(model: MimeModel) => Promise<void>} Render
 * @typedef {(render: Render, model: MimeModel, node: HTMLElement) => Promise<void>} Draw
 * @typedef {{ node: HTMLElement, renderModel: Render }} Renderer
 * @typedef {{ safe: boolean, createRenderer: (options: object) => Renderer }} RendererFactory
 * @typedef {{ config?: object, layout?: { width?: number, height?: number } }} Figure
 *
 * @typedef {object} RendererRegistry
 * @property {(mimeType: string) => RendererFactory | undefined} getFactory
 * @property {(mimeType: string) => number | undefined} getRank
 * @property {(factory: RendererFactory, rank?: number) => void} addFactory
 */
