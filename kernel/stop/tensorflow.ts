// What the kernel knows of TensorFlow.js: how training ends after a batch, how its engine is put back after code was
// terminated, and how tensors and models are shown. All reaches into tfjs's private parts are here.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { currentRun } from '../output/context';
import type { Run } from '../output/run';
import type { Sections } from './sections';

const KNOWN_VERSION = '4.22.0';

/** What tfjs's engine needs of a tensor to free it. */
interface TensorData {
  id: number;
  dataId: object;
  dtype: string;
  size: number;
}

interface Tensor extends TensorData {
  shape: number[];
  kept: boolean;
  isDisposed: boolean;
  dispose(): void;
  toString(): string;
  flatten(): Tensor;
  slice(begin: number, size: number): Tensor;
  dataSync(): ArrayLike<unknown>;
}

interface Scope {
  id: number;
  name: string;
  track: { length: number; push(tensor: Tensor): void };
}

interface Engine {
  state: {
    scopeStack: Scope[];
    activeScope: Scope | null;
    activeTape: { saved?: Tensor[] }[] | null | undefined;
    gradientDepth: number;
    kernelDepth: number;
    numDataMovesStack: number[];
  };
  endScope(): void;
  disposeTensor(tensor: TensorData): void;
  tidy<T>(work: () => T): T;
}

interface Model {
  stopTraining: boolean;
  /** False again once fit has ended, also by an error. */
  isTraining: boolean;
}

interface Layers {
  version_layers: string;
  Callback: new () => { model: Model };
  LayersModel: new () => { summary(lineLength?: number, positions?: number[], print?: (line: string) => void): void };
  registerCallbackConstructor(verbosity: number, callback: new () => object): void;
}

interface Core {
  Tensor: new () => Tensor;
}

/** Where tfjs's engine is between two operations of a cell. */
export interface EngineState {
  scopes: number;
  gradientDepth: number;
  kernelDepth: number;
}

/** Node's own: one of a stopped cell's would be cancelled. */
const setImmediateTimer = setImmediate;

let layers: Layers | undefined;
let core: Core | undefined;

/** The trainings that go on, by what ends them after the batch at work; each with the run that began it. */
const trainings = new Map<object, { run: Run | undefined; model: Model; stop: () => void }>();

/**
 * To be called after modules were loaded: from then on, training can be stopped.
 *
 * @param check throws where the code that begins an operation has been stopped.
 */
export function attach(sections: Sections, check: () => void): void {
  if (!layers) {
    core ??= loaded<Core>('tfjs-core', 'tf-core.node.js');
    const found = loaded<Layers>('tfjs-layers', 'tf-layers.node.js');
    if (found?.version_layers === KNOWN_VERSION && core) {
      layers = found;
      layers.registerCallbackConstructor(0, stopTrainingCallback(layers, sections));
      noteTensors(engine()!);
      keepSteps(engine()!, sections, check);
    }
  }
}

/** A module that code of a cell has loaded, wherever its package lies. */
function loaded<T>(packageName: string, file: string): T | undefined {
  const path = Object.keys(require.cache).find((each) => each.endsWith(`/@tensorflow/${packageName}/dist/${file}`));
  const module = path ? require.cache[path] : undefined;
  return module?.loaded ? (module.exports as T) : undefined;
}

/** tfjs makes one for each call of fit and fitDataset. */
function stopTrainingCallback({ Callback }: Layers, sections: Sections): new () => object {
  return class extends Callback {
    private leave = (): void => undefined;
    private isStopped = false;
    private run: Run | undefined;
    private stops = 0;

    setParams(): void {}
    setModel(model: Model): void {
      this.model = model;
    }
    onTrainBegin(): void {
      this.run = currentRun();
      this.stops = sections.stops;
      trainings.set(this, { run: this.run, model: this.model, stop: () => (this.isStopped = true) });
    }
    onBatchBegin(): void {
      // Terminated half-way, a batch would leave some weights changed and some not, and the model in training for good.
      this.leave = sections.enter();
      setImmediateTimer(this.leave); // where the batch throws
    }
    async onBatchEnd(): Promise<void> {
      this.leave();
      if (sections.stops !== this.stops) {
        // With `yieldEvery: 'never'` the event loop does not turn between two batches: Stop has not come in yet.
        await new Promise((resolve) => setImmediateTimer(resolve));
      }
      if (this.isStopped || this.run?.isStopped) {
        this.model.stopTraining = true;
      }
    }
    onEpochBegin(): void {}
    onEpochEnd(): void {}
    onTrainEnd(): void {
      trainings.delete(this);
    }
  };
}

/** Ends all training after the batch at work. */
export function stopTraining(): void {
  trainings.forEach(({ stop }) => stop());
}

/** Whether a training that a run began still goes on. */
export function isTraining(run: Run): boolean {
  for (const [callback, { model }] of trainings) {
    if (!model.isTraining) {
      trainings.delete(callback); // an error ended it
    }
  }
  return [...trainings.values()].some((training) => training.run === run);
}

/** tfjs has one engine in a process, however often it is installed. */
function engine(): Engine | undefined {
  return layers && (globalThis as { _tfengine?: Engine })._tfengine;
}

/** Where the engine is before a cell runs. */
export function engineState(): EngineState {
  recent.length = 0; // what was made earlier is not the cell's
  const state = engine()?.state;
  return {
    scopes: state?.scopeStack.length ?? 0,
    gradientDepth: state?.gradientDepth ?? 0,
    kernelDepth: state?.kernelDepth ?? 0,
  };
}

/** The tensors that the cell made last outside all scopes; of those before, terminated code holds none. */
const recent: Tensor[] = [];
const RECENT = 256;

/** A scope below all others, which notes the tensors that would be in none; it never frees any. */
function noteTensors({ state }: Engine): void {
  let count = 0;
  const track = { length: 0, push: (tensor: Tensor): void => void (recent[count++ % RECENT] = tensor) };
  const scope: Scope = { id: -1, name: 'cells', track };
  state.scopeStack.unshift(scope);
  state.activeScope ??= scope;
}

/** What tfjs counts by more than one variable; beside operations. */
const STEPS = [
  'makeTensor',
  'makeTensorFromTensorInfo',
  'makeVariable',
  'disposeTensor',
  'startScope',
  'endScope',
] as const;

/** Code ends between two operations, not within one: what tfjs counts stays right, and `finally` blocks run. */
function keepSteps(tfjs: Engine, sections: Sections, check: () => void): void {
  const steps = tfjs as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of STEPS) {
    const original = steps[name].bind(tfjs);
    steps[name] = (...args) => sections.step(() => original(...args));
  }
  const { runKernel } = steps;
  steps.runKernel = (...args) => {
    check();
    return sections.step(() => runKernel.apply(tfjs, args));
  };
}

/**
 * Puts the engine back after code was terminated, as the `finally` blocks that did not run would have: scopes end, with
 * the tensors that were made in them, nothing is recorded for a gradient any more, and tensors that only the terminated
 * code knew are freed.
 */
export function restoreEngine({ scopes, gradientDepth, kernelDepth }: EngineState, done: () => void): void {
  const tfjs = engine();
  if (!tfjs) {
    done();
    return;
  }
  const { state } = tfjs;
  if (gradientDepth === 0) {
    for (const { saved = [] } of state.activeTape ?? []) {
      saved.filter((tensor) => !tensor.isDisposed).forEach((tensor) => tensor.dispose());
    }
    state.activeTape = null;
  }
  Object.assign(state, { gradientDepth, kernelDepth, numDataMovesStack: [] });
  const made = recent.splice(0);
  while (state.scopeStack.length > Math.max(scopes, 1)) {
    for (const tensor of state.scopeStack.at(-1)!.track as unknown as Tensor[]) {
      made.push(tensor); // a kept one outlives its scope
    }
    tfjs.endScope();
  }
  const suspects = made
    .filter((tensor) => !tensor.isDisposed)
    .map((tensor) => {
      const { id, dataId, dtype, size } = tensor;
      return { tensor: new WeakRef(tensor), data: { id, dataId, dtype, size } };
    });
  setImmediateTimer(() => {
    collectGarbage();
    suspects.filter(({ tensor }) => !tensor.deref()).forEach(({ data }) => tfjs.disposeTensor(data));
    done();
  });
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

const MOST_VALUES = 1000;
const FIRST_VALUES = 8;

/** A tensor or a model in words; null for anything else. */
export function textOf(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) {
    return null;
  }
  if (core && value instanceof core.Tensor) {
    const kind = `${value.dtype} [${value.shape.join(', ')}]`;
    if (value.isDisposed) {
      return `${kind}, disposed`;
    }
    if (value.size <= MOST_VALUES) {
      return `${kind}\n${value
        .toString()
        .replace(/^Tensor\n/, '')
        .replace(/^ {4}/gm, '')}`;
    }
    const first = engine()!.tidy(() => Array.from(value.flatten().slice(0, FIRST_VALUES).dataSync()));
    return `${kind}\n${first.map((each) => (typeof each === 'number' ? Number(each.toPrecision(7)) : each)).join(', ')}, ...`;
  }
  if (layers && value instanceof layers.LayersModel) {
    const lines: string[] = [];
    value.summary(undefined, undefined, (line) => lines.push(line));
    return lines.join('\n');
  }
  return null;
}
