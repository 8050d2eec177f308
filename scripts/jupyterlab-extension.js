// An extension of JupyterLab, for pages that are opened while the kernel is at work: their cells show what the kernel has
// said since the notebook was last saved, and what it goes on to say. Set-up puts it into .venv; kernel/runs.cjs is the
// other end.
//
// It stands here as JupyterLab loads it (a container of webpack's module federation, written by hand), so that nothing
// has to be built: https://jupyterlab.readthedocs.io/en/stable/extension/extension_dev.html
(() => {
  const NAME = 'mnist-lecture';
  let shared;

  /** One of JupyterLab's own modules. */
  async function load(name) {
    const [{ get }] = Object.values(shared[name]);
    return (await get())();
  }

  async function extension() {
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
      id: `${NAME}:follow`,
      autoStart: true,
      requires: [INotebookTracker],
      activate(_app, tracker) {
        tracker.forEach((panel) => void follow(panel));
        tracker.widgetAdded.connect((_sender, panel) => void follow(panel));
      },
    };
  }

  globalThis._JUPYTERLAB ??= {};
  globalThis._JUPYTERLAB[NAME] = {
    init: (scope) => void (shared = scope),
    get: async () => {
      const plugin = await extension();
      return () => plugin;
    },
  };
})();
