// The lecture's JupyterLab extension. Set-up copies it into .venv.
//
// This is a container of webpack's module federation, written by hand, so there is nothing to build:
// https://jupyterlab.readthedocs.io/en/stable/extension/extension_dev.html
(() => {
  const NAME = 'mnist-lecture';
  const PLOTLY = 'application/vnd.plotly.v1+json';
  let shared;

  /** Loads one of JupyterLab's own modules. */
  async function load(name) {
    const [{ get }] = Object.values(shared[name]);
    return (await get())();
  }

  /**
   * Replays output into a page that is opened while cells run, or after they ended unsaved, and then shows new output.
   * kernel/output/replay.ts is the other end.
   */
  async function followRuns() {
    const { INotebookTracker } = await load('@jupyterlab/notebook');
    const { CodeCell } = await load('@jupyterlab/cells');

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

  globalThis._JUPYTERLAB ??= {};
  globalThis._JUPYTERLAB[NAME] = {
    init: (scope) => void (shared = scope),
    get: async () => {
      const plugins = await Promise.all([runWhenReady(), followRuns(), drawFigures()]);
      return () => plugins;
    },
  };
})();
