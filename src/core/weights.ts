/** Making, converting and releasing sets of named weights. @module */
import { readBack } from "./backend.ts";
import type { HostTensor } from "./host_tensor.ts";
import type { Initial, Layout, Parameter, Weights } from "./network.ts";
import { createRandom, type Random } from "./random.ts";
import * as tf from "./tf.ts";

/**
 * Draws fresh weights; every tensor has its own stream of chance, so adding a layer
 * changes no other.
 *
 * @returns Weights that the caller releases with {@linkcode releaseWeights}.
 */
export function initialWeights(
  parameters: readonly Parameter[],
  seed: number,
): Weights {
  return new Map(parameters.map(({ name, shape, initial }) => {
    const random = createRandom(seed, `initial/${name}`);
    const size = shape.reduce((all, side) => all * side, 1);
    const repeat = initial.kind === "normal" ? initial.repeat ?? 1 : 1;
    const values = new Float32Array(size);
    for (let i = 0; i < size; i += repeat) {
      values.fill(draw(initial, random), i, i + repeat);
    }
    return [name, tf.tensor(values, [...shape])];
  }));
}

/** @returns A copy with memory of its own. */
export function copyWeights(weights: Weights): Weights {
  // tf.clone would share the memory, which in-place updates would then write to.
  return new Map(
    [...weights].map(([name, value]) => [name, tf.tidy(() => tf.add(value, 0))]),
  );
}

/** @returns Zeros shaped like the trained parameters, for an optimizer's moments. */
export function zerosLike(parameters: readonly Parameter[]): Weights {
  return new Map(
    parameters.filter(({ trained }) => trained)
      .map(({ name, shape }) => [name, tf.zeros([...shape])]),
  );
}

/** Frees the tensors; the map is not to be used afterwards. */
export function releaseWeights(weights: Weights): void {
  for (const value of weights.values()) value.dispose();
}

/** Reads weights back as PyTorch stores them, for files. */
export async function weightsToHost(
  parameters: readonly Parameter[],
  weights: Weights,
): Promise<Map<string, HostTensor>> {
  const host = new Map<string, HostTensor>();
  for (const { name, layout } of parameters) {
    const value = weights.get(name);
    if (value === undefined) continue;
    host.set(name, await toHost(layout, value));
  }
  return host;
}

/**
 * Makes tensors of host values; names without a parameter are left out.
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

// Which of our axes each of PyTorch's axes is; null where nothing moves.
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
  const turned = order === null ? tf.clone(value) : tf.transpose(value, [...order]);
  const cells = Float32Array.from(await readBack(turned));
  turned.dispose();
  return { dtype: "F32", shape: turned.shape, bytes: new Uint8Array(cells.buffer) };
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
    const there = tf.tensor(new Float32Array(buffer), [...value.shape]);
    if (order === null) return there;
    const back = order.map((_, axis) => order.indexOf(axis));
    return tf.transpose(there, back);
  });
}

function draw(initial: Initial, random: Random): number {
  switch (initial.kind) {
    case "constant":
      return initial.value;
    case "normal":
      return initial.deviation * random.normal();
    case "truncated-normal":
      for (;;) {
        const value = initial.deviation * random.normal();
        if (Math.abs(value) <= 2) return value;
      }
    case "uniform":
      return initial.bound * (2 * random.uniform() - 1);
  }
}
