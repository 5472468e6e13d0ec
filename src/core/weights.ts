/** Initializing, converting and releasing weights. @module */
import { readBack } from "./device.ts";
import { type HostTensor, numel } from "./host_tensor.ts";
import type { Initializer, Layout, Parameter, Weights } from "./network.ts";
import { createRandom, type Random } from "./random.ts";
import * as tf from "./tf.ts";

/**
 * Draws initial weights; every tensor has a random stream of its own, so that an added
 * layer changes no other.
 *
 * @returns Weights that the caller releases with {@linkcode releaseWeights}.
 */
export function initializeWeights(
  parameters: readonly Parameter[],
  seed: number,
): Weights {
  return new Map(parameters.map(({ name, shape, initializer }) => {
    const random = createRandom(seed, `initial/${name}`);
    const repeat = initializer.kind === "normal" ? initializer.repeat ?? 1 : 1;
    const values = new Float32Array(numel(shape));
    for (let i = 0; i < values.length; i += repeat) {
      values.fill(drawInitialValue(initializer, random), i, i + repeat);
    }
    return [name, tf.tensor(values, [...shape])];
  }));
}

/** A copy with memory of its own; the caller owns it. */
export function cloneWeights(weights: Weights): Weights {
  // tf.clone would share the memory, which in-place updates would then write to.
  return new Map(
    [...weights].map(([name, value]) => [name, tf.tidy(() => tf.add(value, 0))]),
  );
}

/** Zeros shaped like the trained parameters, for an optimizer's moments. */
export function zeroMoments(parameters: readonly Parameter[]): Weights {
  return new Map(
    parameters.filter(({ trainable }) => trainable)
      .map(({ name, shape }) => [name, tf.zeros([...shape])]),
  );
}

/** Frees the tensors; the map must not be used afterwards. */
export function releaseWeights(weights: Weights): void {
  for (const value of weights.values()) value.dispose();
}

// A tensor by itself takes ten milliseconds to read from a GPU in Deno, however small it is.
const BYTES_READ_AT_ONCE = 2 ** 24;

/** Reads weights back in PyTorch's layout, for files. */
export async function weightsToHost(
  parameters: readonly Parameter[],
  weights: Weights,
): Promise<Map<string, HostTensor>> {
  const host = new Map<string, HostTensor>();
  let reads: Promise<readonly [name: string, HostTensor]>[] = [];
  let bytes = 0;
  const finishReads = async () => {
    for (const [name, tensor] of await Promise.all(reads)) host.set(name, tensor);
    [reads, bytes] = [[], 0];
  };
  for (const { name, layout } of parameters) {
    const value = weights.get(name);
    if (value === undefined) continue;
    reads.push(toHost(layout, value).then((tensor) => [name, tensor]));
    bytes += 4 * value.size;
    if (bytes >= BYTES_READ_AT_ONCE) await finishReads();
  }
  await finishReads();
  return host;
}

/**
 * Makes tensors of host tensors in PyTorch's layout; names without a parameter are skipped.
 *
 * @throws {TypeError} If a value has an element type that no weight can have.
 */
export function weightsFromHost(
  parameters: readonly Parameter[],
  host: ReadonlyMap<string, HostTensor>,
): Weights {
  const weights = new Map<string, tf.Tensor>();
  for (const { name, layout } of parameters) {
    const value = host.get(name);
    if (value !== undefined) weights.set(name, fromHost(name, layout, value));
  }
  return weights;
}

/** The shape a parameter has in PyTorch. */
export function pytorchShape({ shape, layout }: Parameter): number[] {
  const order = PYTORCH_AXES[layout];
  return order === null ? [...shape] : order.map((axis) => shape[axis] ?? 1);
}

// For each axis in PyTorch, the axis here; null where both are the same.
const PYTORCH_AXES: Readonly<Record<Layout, readonly number[] | null>> = {
  plain: null,
  counter: null,
  linear: [1, 0],
  convolution: [3, 2, 0, 1],
  depthwise: [2, 3, 0, 1],
};

async function toHost(layout: Layout, value: tf.Tensor): Promise<HostTensor> {
  if (layout === "counter") {
    const [count = 0] = await readBack(value);
    const bytes = new Uint8Array(BigInt64Array.of(BigInt(count)).buffer);
    return { dtype: "I64", shape: [], bytes };
  }
  const order = PYTORCH_AXES[layout];
  const transposed = order === null ? tf.clone(value) : tf.transpose(value, [...order]);
  const values = Float32Array.from(await readBack(transposed));
  transposed.dispose();
  return { dtype: "F32", shape: transposed.shape, bytes: new Uint8Array(values.buffer) };
}

function fromHost(name: string, layout: Layout, value: HostTensor): tf.Tensor {
  const buffer = value.bytes.slice().buffer;
  if (layout === "counter") {
    const [count = 0n] = new BigInt64Array(buffer);
    return tf.scalar(Number(count));
  }
  if (value.dtype !== "F32") {
    throw new TypeError(
      `Cannot load "${name}": weights are float32, this one is ${value.dtype}`,
    );
  }
  const order = PYTORCH_AXES[layout];
  return tf.tidy(() => {
    const stored = tf.tensor(new Float32Array(buffer), [...value.shape]);
    if (order === null) return stored;
    const inverse = order.map((_, axis) => order.indexOf(axis));
    return tf.transpose(stored, inverse);
  });
}

function drawInitialValue(initializer: Initializer, random: Random): number {
  switch (initializer.kind) {
    case "constant":
      return initializer.value;
    case "normal":
      return initializer.std * random.normal();
    case "truncated-normal":
      for (;;) {
        const value = initializer.std * random.normal();
        if (Math.abs(value) <= 2) return value;
      }
    case "uniform":
      return initializer.bound * (2 * random.uniform() - 1);
  }
}
