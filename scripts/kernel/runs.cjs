// What each cell has said in its last run is kept, so that it can be said again to a page that was opened after the cell
// had been started. JupyterLab drops what a kernel says to a page that is gone (jupyterlab issue 2833); jupyterlab-extension.js
// asks for it.

/** Of what a cell prints no more than its end is kept. */
const KEPT_CHARACTERS = 1_000_000;

/** The last run of each cell, by the cell's id. */
const runs = new Map();

/** A cell that waits, runs or has run, and the requests that want to hear of it: the one that started it comes first. */
class Run {
  said = [];
  hasEnded = false;

  /** @param request the execute_request; @param tell what tells something to whoever has asked by a request. */
  constructor(request, tell) {
    this.requests = [request];
    this.tell = tell;
    this.ended = new Promise((resolve) => (this.resolve = resolve));
    this.changed = new Date();
    this.cellId = request.metadata.cellId; // none where no page asked
    const earlier = runs.get(this.cellId);
    if (earlier) {
      earlier.said = [];
    }
    if (this.cellId) {
      runs.set(this.cellId, this);
    }
  }

  publish(type, content) {
    this.changed = new Date();
    if (runs.get(this.cellId) === this) {
      this.keep(type, content);
    }
    this.requests.forEach((request) => this.tell(request, type, content));
  }

  /** Tells a request all that was said so far, and from now on what is said. Returns the reply, once there is one. */
  follow(request) {
    this.said.forEach(({ type, content }) => this.tell(request, type, content));
    this.requests.push(request);
    return this.ended;
  }

  end(reply) {
    this.changed = new Date();
    this.hasEnded = true;
    this.resolve(reply);
  }

  keep(type, content) {
    const last = this.said.at(-1);
    if (type === 'update_display_data') {
      keepUpdate(content);
    } else if (type === 'stream' && last?.type === type && last.content.name === content.name) {
      const text = last.content.text + content.text;
      last.content = { ...content, text: text.length > 2 * KEPT_CHARACTERS ? text.slice(-KEPT_CHARACTERS) : text };
    } else {
      this.said.push({ type, content });
    }
  }
}

/** An update changes what was displayed under its name, by whichever cell. */
function keepUpdate(update) {
  for (const { said } of runs.values()) {
    const displayed = said.find(({ content }) => content.transient?.display_id === update.transient.display_id);
    if (displayed) {
      displayed.content = { ...displayed.content, data: update.data, metadata: update.metadata };
    }
  }
}

/** The last run of the cell that a request is about; undefined where the kernel has never run it. */
function lastRun({ metadata: { cellId } }) {
  return runs.get(cellId);
}

/**
 * The last runs as Jupyter's protocol lists comms, each under its cell's id: which page started it, whether it has
 * ended, and when it last said something.
 */
function listRuns() {
  const described = [...runs].map(([cellId, { requests, hasEnded, changed }]) => [
    cellId,
    { target_name: 'cell', session: requests[0].header.session, hasEnded, changed },
  ]);
  return { status: 'ok', comms: Object.fromEntries(described) };
}

module.exports = { Run, lastRun, listRuns };
