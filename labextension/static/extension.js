// The lecture's JupyterLab extension. Set-up copies it into .venv.
//
// This is a container of webpack's module federation, written by hand, so there is nothing to build:
// https://jupyterlab.readthedocs.io/en/stable/extension/extension_dev.html
(() => {
  const NAME = 'mnist-lecture';
  const PLOTLY = 'application/vnd.plotly.v1+json';
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

  /**
   * Always draws a figure from its data. plotly's extension saves a picture as wide as the page in the notebook. When the
   * notebook is opened again, it shows that picture, stretched, until the mouse is over it.
   */
  async function drawFigures() {
    const { IRenderMimeRegistry } = await load('@jupyterlab/rendermime');

    /** @param {Renderer} renderer */
    function drawing(renderer) {
      const renderModel = renderer.renderModel.bind(renderer);
      renderer.renderModel = ({ data, metadata, trusted }) =>
        renderModel({ data: { [PLOTLY]: data[PLOTLY] }, metadata, trusted, setData() {} });
      return renderer;
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
        // Wait until all extensions are active, including plotly's.
        void app.started.then(() => {
          const factory = registry.getFactory(PLOTLY);
          if (factory) {
            registry.addFactory(
              { ...factory, createRenderer: (options) => drawing(factory.createRenderer(options)) },
              0,
            );
          }
        });
      },
    };
  }

  const page = /** @type {{ _JUPYTERLAB?: Record<string, object> }} */ (globalThis);
  page._JUPYTERLAB ??= {};
  page._JUPYTERLAB[NAME] = {
    /** @param {typeof shared} scope */
    init: (scope) => void (shared = scope),
    get: async () => {
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
 * @typedef {{ renderModel: (model: MimeModel) => Promise<void> }} Renderer
 * @typedef {{ createRenderer: (options: object) => Renderer }} RendererFactory
 *
 * @typedef {object} RendererRegistry
 * @property {(mimeType: string) => RendererFactory | undefined} getFactory
 * @property {(factory: RendererFactory, rank?: number) => void} addFactory
 */
