// An extension of JupyterLab with what the lecture needs of a page beyond what JupyterLab does; set-up puts it into .venv.
//
// It stands here as JupyterLab loads it (a container of webpack's module federation, written by hand), so that nothing
// has to be built: https://jupyterlab.readthedocs.io/en/stable/extension/extension_dev.html
(() => {
  const NAME = 'mnist-lecture';
  const PLOTLY = 'application/vnd.plotly.v1+json';
  let shared;

  /** One of JupyterLab's own modules. */
  async function load(name) {
    const [{ get }] = Object.values(shared[name]);
    return (await get())();
  }

  /**
   * For a page that is opened while the kernel is at work: its cells show what the kernel has said since the notebook was
   * last saved, and what it goes on to say. kernel/runs.cjs is the other end.
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
          // The kernel does not run the cell: it tells what the run that is on says. That the run failed or was stopped
          // is among it.
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

  /** Runs cells once there is a kernel. Run All, chosen while the kernel is still being started, would run nothing. */
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
   * Draws a figure always from its data. plotly's extension keeps a picture of it in the notebook, as wide as the page,
   * and once the notebook is opened again shows that, stretched, until the mouse comes over it.
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
        // Once all extensions are there, plotly's among them.
        void app.started.then(() => {
          const factory = registry.getFactory(PLOTLY);
          if (factory) {
            registry.addFactory({ ...factory, createRenderer: (options) => drawing(factory.createRenderer(options)) }, 0);
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
