/**
 * Tracing: the kernels that a forward pass runs, recorded in dry runs with inputs of
 * several sizes and joined to one graph.
 *
 * @module
 */
import { readBack } from "../core/backend.ts";
import { CONSTANT_KERNEL, dryRun, metaTensor } from "../core/dry_run.ts";
import type { Parameter, Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { type Size, sizeOf } from "./size.ts";

/** A tensor of a graph. */
export interface TracedTensor {
  readonly shape: readonly Size[];
}

/** A kernel that the pass runs. */
export interface TracedCall {
  readonly kernel: string;
  readonly inputs: Readonly<Record<string, TracedTensor>>;
  /** Numbers that differ between the traces are {@linkcode Size}s. */
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, TracedTensor>>;
}

/** All that a forward pass does. */
export interface TracedGraph {
  /** How many traces it is of: the length of a {@linkcode Size} that varies. */
  readonly traces: number;
  readonly images: TracedTensor;
  readonly weights: ReadonlyMap<string, TracedTensor>;
  /** Those that the result depends on, in order. */
  readonly calls: readonly TracedCall[];
  readonly result: TracedTensor;
}

/** Batch, height and width of the images of a trace. */
export type TraceSize = readonly [batch: number, height: number, width: number];

/** Why traces at different sizes are no one graph. */
export class TraceDifferenceError extends Error {}

/** That the network refused images of a size; the cause is its own error. */
export class TraceRefusedError extends TraceDifferenceError {}

/** The backend in whose name is traced: no kernel is there for its sake alone. */
const TRACE_BACKEND = "trace";

/** What tfjs says of a kernel whose shapes `core/shape_kernels.ts` does not know. */
const UNKNOWN_KERNEL = /Kernel '(\w+)' not registered/;

/** A step of a network that ONNX export does not know. */
export class UntranslatedKernelError extends Error {
  constructor(kernel: string) {
    super(`its step "${kernel}" has no translation to ONNX`);
  }
}

/** Flags of kernels that change how they compute, not what. */
const SPEED_FLAGS = new Set(["aligned", "large"]);

/**
 * Traces a forward pass.
 *
 * @param forward From images [B, H, W, C] and weights to a tensor.
 * @param sizes Those of the images, a trace each.
 * @param channels C
 * @throws {TraceDifferenceError} If the pass does not do the same at all sizes, or refuses
 * one.
 * @throws {UntranslatedKernelError} If it runs a kernel of tfjs that is unknown here.
 */
export async function traceForward(
  forward: (weights: Weights, images: tf.Tensor4D) => tf.Tensor,
  parameters: readonly Parameter[],
  sizes: readonly TraceSize[],
  channels: number,
): Promise<TracedGraph> {
  const recordings: Recording[] = [];
  for (const size of sizes) {
    try {
      recordings.push(await record(forward, parameters, size, channels));
    } catch (error) {
      const [, kernel] = UNKNOWN_KERNEL.exec(String(error)) ?? [];
      if (kernel !== undefined) throw new UntranslatedKernelError(kernel);
      const message = error instanceof Error ? error.message : String(error);
      throw new TraceRefusedError(message, { cause: error });
    }
  }
  let difference: unknown;
  // A pass may leave out a step that has nothing to do at a size, so that not every
  // recording has all of them.
  for (const complete of recordings) {
    try {
      return joinRecordings(complete, recordings);
    } catch (error) {
      if (!(error instanceof TraceDifferenceError)) throw error;
      difference ??= error;
    }
  }
  throw difference;
}

interface RecordedCall {
  readonly kernel: string;
  readonly inputs: Readonly<Record<string, number>>;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, number>>;
}

/** One trace. Tensors are numbered: equal numbers are the same elements in the same shape. */
interface Recording {
  readonly shapes: readonly (readonly number[])[];
  readonly images: number;
  readonly weights: ReadonlyMap<string, number>;
  readonly calls: readonly RecordedCall[];
  readonly result: number;
}

async function record(
  forward: (weights: Weights, images: tf.Tensor4D) => tf.Tensor,
  parameters: readonly Parameter[],
  [batch, height, width]: TraceSize,
  channels: number,
): Promise<Recording> {
  const shapes: (readonly number[])[] = [];
  const numbers = new Map<object, Map<string, number>>();
  const numberOf = ({ dataId, shape }: tf.TensorInfo): number => {
    const ofData = numbers.get(dataId) ?? new Map<string, number>();
    numbers.set(dataId, ofData);
    const key = shape.join();
    const number = ofData.get(key) ?? shapes.push([...shape]) - 1;
    ofData.set(key, number);
    return number;
  };
  const numbersOf = (tensors: Readonly<Record<string, tf.TensorInfo>>) =>
    Object.fromEntries(
      Object.entries(tensors).flatMap(([name, tensor]) =>
        tensor ? [[name, numberOf(tensor)]] : []
      ),
    );
  const calls: RecordedCall[] = [];
  const made = new Set<number>();
  const constants = new Map<number, tf.Tensor>();
  const { result } = await dryRun(() => {
    const images = metaTensor([batch, height, width, channels]) as tf.Tensor4D;
    const weights = new Map(
      parameters.map(({ name, shape }) => [name, metaTensor(shape)]),
    );
    for (const one of [images, ...weights.values()]) made.add(numberOf(one));
    try {
      const output = tf.tidy(() => forward(weights, images));
      const result = numberOf(output);
      output.dispose();
      return {
        images: numberOf(images),
        weights: new Map([...weights].map(([name, value]) => [name, numberOf(value)])),
        result,
      };
    } finally {
      tf.dispose([images, ...weights.values()]);
    }
  }, {
    backendName: TRACE_BACKEND,
    onKernel({ kernel, inputs, attributes, outputs }) {
      const recorded = { inputs: numbersOf(inputs), outputs: numbersOf(outputs) };
      const isRenaming = ["Identity", "Cast"].includes(kernel) &&
        Object.values(recorded.inputs)[0] === Object.values(recorded.outputs)[0];
      for (const [name, number] of Object.entries(recorded.inputs)) {
        // Tensors of the caller's own, which no call makes, are constants.
        if (!made.has(number)) constants.set(number, inputs[name] as tf.Tensor);
      }
      for (const number of Object.values(recorded.outputs)) made.add(number);
      if (isRenaming) return;
      const plainName = kernel.split(" ").filter((part) => !SPEED_FLAGS.has(part))
        .join(" ");
      calls.push({ kernel: plainName, attributes: withLists(attributes), ...recorded });
    },
  });
  const constantCalls: RecordedCall[] = [];
  for (const [constant, tensor] of constants) {
    const attributes = { values: await readBack(tensor) };
    constantCalls.push({
      kernel: CONSTANT_KERNEL,
      inputs: {},
      attributes,
      outputs: { constant },
    });
  }
  return { shapes, calls: [...constantCalls, ...calls], ...result };
}

// tfjs takes one number where the others of a list follow from it; a list tells it from a
// number that varies.
function withLists(attributes: Readonly<Record<string, unknown>>) {
  const { begin } = attributes;
  return typeof begin === "number" ? { ...attributes, begin: [begin] } : attributes;
}

// What a step does that another trace leaves out because there is nothing to do.
const IDLE_STEPS: Readonly<
  Record<string, (attributes: Readonly<Record<string, unknown>>) => unknown>
> = {
  PadV2: ({ paddings }) => ({ paddings: (paddings as unknown[]).map(() => [0, 0]) }),
  resizeBilinear: () => ({}),
};

function joinRecordings(
  complete: Recording,
  recordings: readonly Recording[],
): TracedGraph {
  // For each recording: its number of each tensor of the complete one, and how far it is.
  const tensorsOf = recordings.map(({ images, weights }) => {
    const matched = new Map([[complete.images, images]]);
    for (const [name, number] of complete.weights) {
      matched.set(number, weights.get(name) ?? NaN);
    }
    return matched;
  });
  const next = recordings.map(() => 0);
  const tensors = new Map<number, TracedTensor>();
  const tensorOf = (number: number): TracedTensor => {
    const known = tensors.get(number);
    if (known !== undefined) return known;
    const shapes = recordings.map(({ shapes }, k) =>
      shapes[tensorsOf[k]?.get(number) ?? NaN] ?? []
    );
    const tensor = { shape: joinLists(shapes, "a tensor's rank") };
    tensors.set(number, tensor);
    return tensor;
  };
  const calls = complete.calls.map((call): TracedCall => {
    const { kernel } = call;
    const attributes = recordings.map(({ calls }, k) => {
      const matched = tensorsOf[k] ?? new Map<number, number>();
      const other = calls[next[k] ?? 0];
      const input = Object.values(call.inputs)[0] ?? NaN;
      if (
        other?.kernel === kernel &&
        Object.entries(call.inputs).every(([name, number]) =>
          matched.get(number) === other.inputs[name]
        )
      ) {
        next[k] = (next[k] ?? 0) + 1;
        for (const [name, number] of Object.entries(call.outputs)) {
          const same = other.outputs[name] ?? NaN;
          if ((matched.get(number) ?? same) !== same) throw differs(kernel);
          matched.set(number, same);
        }
        return other.attributes;
      }
      const idle = IDLE_STEPS[kernel];
      if (idle === undefined) throw differs(kernel);
      for (const number of Object.values(call.outputs)) {
        matched.set(number, matched.get(input) ?? NaN);
      }
      return idle(call.attributes) as RecordedCall["attributes"];
    });
    const named = (numbers: Readonly<Record<string, number>>) =>
      Object.fromEntries(
        Object.entries(numbers).map(([name, number]) => [name, tensorOf(number)]),
      );
    return {
      kernel,
      inputs: named(call.inputs),
      attributes: kernel === CONSTANT_KERNEL
        ? joinConstants(attributes)
        : joinAttributes(attributes, kernel),
      outputs: named(call.outputs),
    };
  });
  recordings.forEach(({ calls, result }, k) => {
    const call = calls[next[k] ?? 0];
    if (call !== undefined) throw differs(call.kernel);
    if (tensorsOf[k]?.get(complete.result) !== result) throw differs("the last one");
  });
  const result = tensorOf(complete.result);
  return {
    traces: recordings.length,
    images: tensorOf(complete.images),
    weights: new Map(
      [...complete.weights].map(([name, number]) => [name, tensorOf(number)]),
    ),
    calls: neededCalls(calls, result),
    result,
  };
}

const differs = (kernel: string) =>
  new TraceDifferenceError(
    `the network does not do the same with images of all sizes: step "${kernel}" differs`,
  );

// The calls that a tensor depends on.
function neededCalls(
  calls: readonly TracedCall[],
  result: TracedTensor,
): readonly TracedCall[] {
  const needed = new Set([result]);
  return calls.toReversed().filter(({ inputs, outputs }) => {
    if (!Object.values(outputs).some((output) => needed.has(output))) return false;
    for (const input of Object.values(inputs)) needed.add(input);
    return true;
  }).reverse();
}

function joinLists(lists: readonly (readonly number[])[], what: string): Size[] {
  const [first = []] = lists;
  if (lists.some(({ length }) => length !== first.length)) throw differs(what);
  return first.map((_, i) => sizeOf(lists.map((list) => list[i] ?? NaN)));
}

// Attributes that a trace lacks because it left the step out are not joined.
function joinAttributes(
  all: readonly Readonly<Record<string, unknown>>[],
  kernel: string,
): Record<string, unknown> {
  const names = Object.keys(all[0] ?? {}).filter((name) =>
    all.every((one) => name in one)
  );
  const longest = all.reduce((a, b) =>
    Object.keys(a).length < Object.keys(b).length ? b : a
  );
  return {
    ...longest,
    ...Object.fromEntries(
      names.map((name) => [name, joinValues(all.map((one) => one[name]), kernel)]),
    ),
  };
}

function joinValues(values: readonly unknown[], kernel: string): unknown {
  const [first] = values;
  if (values.every((value) => typeof value === "number")) return sizeOf(values);
  if (values.every((value) => Array.isArray(value))) {
    const lists = values as readonly (readonly unknown[])[];
    if (lists.some(({ length }) => length !== lists[0]?.length)) throw differs(kernel);
    return lists[0]?.map((_, i) => joinValues(lists.map((list) => list[i]), kernel));
  }
  if (values.some((value) => value !== first)) throw differs(kernel);
  return first;
}

// The elements of a constant, or the one that they all are.
function joinConstants(all: readonly Readonly<Record<string, unknown>>[]) {
  const lists = all.map(({ values }) => values as ArrayLike<number>);
  const [first = []] = lists;
  const [value = NaN] = [first[0]];
  const areSame = (
    list: ArrayLike<number>,
    expected: (i: number) => number | undefined,
  ) => {
    for (let i = 0; i < list.length; i++) if (list[i] !== expected(i)) return false;
    return true;
  };
  if (
    lists.every((list) => list.length === first.length && areSame(list, (i) => first[i]))
  ) return { values: Array.from(first) };
  if (lists.every((list) => areSame(list, () => value))) return { values: [value] };
  throw new TraceDifferenceError(
    "the network computes a number from the size of its images that no step shows",
  );
}
