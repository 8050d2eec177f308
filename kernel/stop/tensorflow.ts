// The kernel's knowledge of TensorFlow.js: ends training after a batch, restores the engine after code was terminated, and
// shows tensors and models. All uses of tfjs's private parts are here.
import { currentRun } from '../output/context';
import type { Run } from '../output/run';
import { collectGarbage } from './memory';
import type { Sections } from './sections';

const KNOWN_VERSION = '4.22.0';

/** The properties by which tfjs's engine disposes of a tensor. */
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
  track: { length: number; push(tensor: Tensor): unknown };
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
  keep(tensor: Tensor): Tensor;
  disposeTensor(tensor: TensorData): void;
  tidy<T>(work: () => T): T;
}

interface Model {
  stopTraining: boolean;
  /** False again once fit has ended, also by an error. */
  isTraining: boolean;
}

interface LayersModel {
  summary(lineLength?: number, positions?: number[], print?: (line: string) => void): void;
  /** Returns the function that trains a batch. */
  makeTrainFunction: (this: LayersModel) => (data: Tensor[]) => Tensor[];
}

interface Layers {
  version_layers: string;
  Callback: new () => { model: Model };
  LayersModel: new () => LayersModel;
  registerCallbackConstructor(verbosity: number, callback: new () => object): void;
}

interface Core {
  Tensor: new () => Tensor;
  Variable: { prototype: { assign: (this: Tensor, value: Tensor) => void } };
}

/** The state of tfjs's engine before a cell runs. */
export interface EngineState {
  scopes: number;
  gradientDepth: number;
  kernelDepth: number;
}

/** Node's own timers: a stopped cell's would be cancelled. */
const [setTimer, setImmediateTimer] = [setTimeout, setImmediate];

/** The time until garbage is collected again, in case tensors are left. */
const SECOND_COLLECTION_MS = 100;

let layers: Layers | undefined;
let core: Core | undefined;
let isOtherReported = false;

interface Training {
  run: Run | undefined;
  model: Model;
  /** Ends it after the current batch. */
  stop: () => void;
}

/** The trainings in progress, and some that have ended: tfjs marks the end only on the model. */
const trainings = new Set<Training>();

/**
 * Attaches the kernel to tfjs once a cell has loaded it: makes training stoppable and protects operations. Must be called
 * after each import.
 *
 * @param check throws if the code that begins an operation was stopped.
 */
export function attach(sections: Sections, check: () => void): void {
  if (!layers) {
    core ??= loaded<Core>('tfjs-core', 'tf-core.node.js');
    const found = loaded<Layers>('tfjs-layers', 'tf-layers.node.js');
    if (found && found.version_layers !== KNOWN_VERSION) {
      reportOnce(found.version_layers);
    } else if (found && core) {
      layers = found;
      layers.registerCallbackConstructor(0, stopTrainingCallback(layers, sections));
      trackUnscopedTensors(engine()!);
      protectSteps(engine()!, core, sections, check);
      protectBatches(layers.LayersModel.prototype as LayersModel, sections);
    }
  }
}

/** Tells the cell that has loaded another version. */
function reportOnce(version: string): void {
  if (!isOtherReported) {
    isOtherReported = true;
    console.error(
      `The kernel was written for TensorFlow.js ${KNOWN_VERSION}, and this is ${version}: Stop may leave training and ` +
        `tensors in disorder. Install @tensorflow/tfjs-node ${KNOWN_VERSION} to avoid this.`,
    );
  }
}

/** A module that a cell has loaded, from wherever its package is installed. */
function loaded<T>(packageName: string, file: string): T | undefined {
  const path = Object.keys(require.cache).find((each) => each.endsWith(`/@tensorflow/${packageName}/dist/${file}`));
  const module = path ? require.cache[path] : undefined;
  return module?.loaded ? (module.exports as T) : undefined;
}

/** The class of a callback that tfjs creates for each call of fit and fitDataset. */
function stopTrainingCallback({ Callback }: Layers, sections: Sections): new () => object {
  return class extends Callback {
    private isStopped = false;
    private run: Run | undefined;

    setParams(): void {}
    setModel(model: Model): void {
      this.model = model;
    }
    onTrainBegin(): void {
      // A model is trained once at a time, so its earlier training has ended.
      trainingsInProgress().forEach((other) => other.model === this.model && trainings.delete(other));
      this.run = currentRun();
      trainings.add({ run: this.run, model: this.model, stop: () => (this.isStopped = true) });
    }
    onBatchBegin(): void {}
    async onBatchEnd(): Promise<void> {
      while (sections.isStopUnhandled) {
        // The event loop turns rarely between batches, with `yieldEvery: 'never'` not at all, and Stop arrives only there.
        await new Promise((resolve) => setImmediateTimer(resolve));
      }
      if (this.isStopped || this.run?.isStopped) {
        this.model.stopTraining = true;
      }
    }
    onEpochBegin(): void {}
    onEpochEnd(): void {}
    onTrainEnd(): void {} // other callbacks may follow, which can be stopped, too
  };
}

/** Ends all training after the current batch. */
export function stopTraining(): void {
  trainings.forEach(({ stop }) => stop());
}

/** The trainings in progress. */
export function trainingsInProgress(): Training[] {
  for (const training of trainings) {
    if (!training.model.isTraining) {
      trainings.delete(training);
    }
  }
  return [...trainings];
}

/** Whether a training that a run has started is in progress. */
export function isTraining(run: Run): boolean {
  return trainingsInProgress().some((training) => training.run === run);
}

/** Gives up trainings whose code was terminated, so that their models can be trained again. */
export function giveUp(terminated: Training[]): void {
  for (const training of terminated) {
    if (trainings.delete(training)) {
      training.model.isTraining = false;
    }
  }
}

/** tfjs's engine: one per process, even if tfjs is installed several times. */
function engine(): Engine | undefined {
  return layers && (globalThis as { _tfengine?: Engine })._tfengine;
}

/** Reads the engine's state before a cell runs. */
export function engineState(): EngineState {
  undisposed.clear(); // earlier tensors are not the cell's
  const state = engine()?.state;
  return {
    scopes: state?.scopeStack.length ?? 0,
    gradientDepth: state?.gradientDepth ?? 0,
    kernelDepth: state?.kernelDepth ?? 0,
  };
}

/** The tensors of the running cell that no scope disposes of: kept, or created outside of all scopes. */
const undisposed = new Set<TensorData>();

/** Records the tensors that no scope disposes of. */
function trackUnscopedTensors(tfjs: Engine): void {
  // A scope below all others, which never ends.
  const scope: Scope = { id: -1, name: 'cells', track: { length: 0, push: (tensor) => undisposed.add(tensor) } };
  tfjs.state.scopeStack.unshift(scope);
  tfjs.state.activeScope ??= scope;
  const keep = tfjs.keep.bind(tfjs);
  const disposeTensor = tfjs.disposeTensor.bind(tfjs);
  tfjs.keep = (tensor) => {
    undisposed.add(tensor);
    return keep(tensor);
  };
  tfjs.disposeTensor = (tensor) => {
    undisposed.delete(tensor);
    disposeTensor(tensor);
  };
}

/** Methods that update several counters of tfjs, besides operations. */
const STEPS = [
  'makeTensor',
  'makeTensorFromTensorInfo',
  'makeVariable',
  'disposeTensor',
  'startScope',
  'endScope',
] as const;

/** Lets stopped code end only between two operations: tfjs's counters stay consistent, and `finally` blocks run. */
function protectSteps(tfjs: Engine, { Variable }: Core, sections: Sections, check: () => void): void {
  const steps = tfjs as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of STEPS) {
    const original = steps[name].bind(tfjs);
    steps[name] = (...args) => sections.step(() => original(...args));
  }
  const { assign } = Variable.prototype;
  Variable.prototype.assign = function (value) {
    sections.step(() => assign.call(this, value));
  };
  const { runKernel } = steps;
  steps.runKernel = (...args) => {
    if (!sections.isCritical) {
      check(); // not within another operation, which would be cut in two
    }
    return sections.step(() => runKernel.apply(tfjs, args));
  };
}

/** A batch terminated half-way would leave only some of the weights updated. */
function protectBatches(prototype: LayersModel, sections: Sections): void {
  const { makeTrainFunction } = prototype;
  prototype.makeTrainFunction = function () {
    const trainBatch = makeTrainFunction.call(this);
    return (data) => sections.run(() => trainBatch(data));
  };
}

/**
 * Restores the engine after a cell was stopped: ends scopes and disposes of their tensors, as `finally` blocks that did not
 * run would have done, stops recording for gradients, and disposes of tensors that only the stopped code could reach.
 */
export function restoreEngine(
  { scopes, gradientDepth, kernelDepth }: EngineState,
  sections: Sections,
  done: () => void,
): void {
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
  while (state.scopeStack.length > Math.max(scopes, 1)) {
    tfjs.endScope();
  }
  let created = Array.from(undisposed, (tensor) => {
    const { id, dataId, dtype, size } = tensor;
    return { tensor: new WeakRef(tensor), data: { id, dataId, dtype, size } };
  });
  undisposed.clear();

  function disposeUnreachable(): number {
    return sections.run(() => {
      collectGarbage();
      const isReachable = ({ tensor }: (typeof created)[number]): boolean => tensor.deref() !== undefined;
      created.filter((each) => !isReachable(each)).forEach(({ data }) => tfjs!.disposeTensor(data));
      created = created.filter(isReachable);
      return created.length;
    });
  }
  setImmediateTimer(() => {
    if (created.length === 0 || disposeUnreachable() === 0) {
      done();
      return;
    }
    // On a busy machine, V8 sometimes (in one of a hundred stops) holds a value a little longer than the code that made it.
    setTimer(() => {
      disposeUnreachable();
      done();
    }, SECOND_COLLECTION_MS);
  });
}

/** A larger tensor shows only its first values. */
const MAX_VALUES = 1000;
const FIRST_VALUES = 8;

/** A tensor or a model as text; null for anything else. */
export function textOf(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) {
    return null;
  }
  if (core && value instanceof core.Tensor) {
    const kind = `${value.dtype} [${value.shape.join(', ')}]`;
    if (value.isDisposed) {
      return `${kind}, disposed`;
    }
    if (value.size <= MAX_VALUES) {
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
