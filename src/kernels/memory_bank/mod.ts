/** A bank of vectors per class: drawing from it, comparing with it, replacing in it. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launch, launchOne } from "../kernel.ts";
import type { DrawKey } from "../row_draws/reference.ts";
import drawShader from "./draw.wgsl" with { type: "text" };
import enqueueShader from "./enqueue.wgsl" with { type: "text" };
import gradientShader from "./gradient.wgsl" with { type: "text" };
import productsShader from "./products.wgsl" with { type: "text" };
import {
  type BankSizes,
  drawEntriesReference,
  enqueueReference,
  productsGradientReference,
  productsReference,
} from "./reference.ts";

const DRAW: Kernel<"count" | "perClass" | "capacity" | keyof DrawKey> = {
  name: "memoryBankDraw",
  shader: drawShader,
  uniforms: {
    count: "u32",
    perClass: "u32",
    capacity: "u32",
    seed: "u32",
    stream: "u32",
    evaluation: "u32",
  },
  clock: "evaluation",
  twin({ perClass, capacity, ...key }, inputs, outputs) {
    const [cursor, fresh] = inputs as [Cells, Cells];
    const [index] = outputs as [Cells];
    drawEntriesReference(cursor, fresh, index, perClass, capacity, key);
  },
};

const SIZES = {
  count: "u32",
  columns: "u32",
  queries: "u32",
  negatives: "u32",
  capacity: "u32",
  most: "u32",
} as const;

type FiveCells = [Cells, Cells, Cells, Cells, Cells];

const PRODUCTS: Kernel<keyof typeof SIZES> = {
  name: "memoryBankProducts",
  shader: productsShader,
  uniforms: SIZES,
  twin(sizes, inputs, outputs) {
    const [anchors, ...entries] = inputs as FiveCells;
    const [out] = outputs as [Cells];
    productsReference(anchors, entries, out, sizes);
  },
};

const GRADIENT: Kernel<keyof typeof SIZES> = {
  name: "memoryBankProductsGradient",
  shader: gradientShader,
  uniforms: SIZES,
  twin(sizes, inputs, outputs) {
    const [dy, ...entries] = inputs as FiveCells;
    const [da] = outputs as [Cells];
    productsGradientReference(dy, entries, da, sizes);
  },
};

const ENQUEUE: Kernel<"count" | "columns" | "capacity" | "most"> = {
  name: "memoryBankEnqueue",
  shader: enqueueShader,
  uniforms: { count: "u32", columns: "u32", capacity: "u32", most: "u32" },
  twin(sizes, inputs, outputs) {
    const [bank] = outputs as [Cells];
    enqueueReference(inputs as [Cells, Cells, Cells], bank, sizes);
  },
};

/** What queries are compared with. */
export interface BankEntries {
  /** One of each class. [C, D] */
  readonly positives: tf.Tensor2D;
  /** [C, S, D] */
  readonly bank: tf.Tensor3D;
  /** About to enter the bank. [C, M, D] */
  readonly keys: tf.Tensor3D;
  /** int32: below S an entry of the bank, from there on a new one, −1: none. [C, Q, N] */
  readonly index: tf.Tensor3D;
}

/**
 * Draws entries for queries, with replacement, as if the new ones were in the bank.
 *
 * @param cursor Next place and filled places of each class. [C, 3]
 * @param fresh New entries. [C]
 * @returns int32, see {@linkcode BankEntries}. [C, Q, N]
 */
export function drawEntries(
  cursor: tf.Tensor2D,
  fresh: tf.Tensor1D,
  capacity: number,
  [queries, negatives]: readonly [number, number],
  key: DrawKey,
): tf.Tensor3D {
  const shape = [cursor.shape[0], queries, negatives];
  const perClass = queries * negatives;
  const count = cursor.shape[0] * perClass;
  return launchOne(DRAW, {
    uniforms: { count, perClass, capacity, ...key },
    inputs: [cursor, fresh],
    outputs: [{ shape, dtype: "int32" }],
    invocations: count,
  }) as tf.Tensor3D;
}

/** @returns anchors · positive, then anchors · negatives. [C, Q, 1 + N] */
export function products(anchors: tf.Tensor3D, entries: BankEntries): tf.Tensor3D {
  const sizes = sizesOf(entries);
  const [classes] = anchors.shape;
  const shape = [classes, sizes.queries, sizes.negatives + 1];
  return compare(PRODUCTS, anchors, entries, shape);
}

/** @returns d(loss)/d(anchors). [C, Q, D] */
export function productsGradient(dy: tf.Tensor, entries: BankEntries): tf.Tensor3D {
  const { queries, columns } = sizesOf(entries);
  return compare(GRADIENT, dy, entries, [entries.index.shape[0], queries, columns]);
}

/** bank[c, next + j] ← keys[c, j] for the new entries, in place. */
export function enqueue(
  bank: tf.Tensor3D,
  keys: tf.Tensor3D,
  fresh: tf.Tensor1D,
  cursor: tf.Tensor2D,
): void {
  const [, most, columns] = keys.shape;
  launch(ENQUEUE, {
    uniforms: { count: keys.size, columns, capacity: bank.shape[1], most },
    inputs: [keys, fresh, cursor],
    updates: [bank],
    invocations: keys.size,
  });
}

function compare(
  kernel: Kernel<keyof typeof SIZES>,
  first: tf.Tensor,
  entries: BankEntries,
  shape: readonly number[],
): tf.Tensor3D {
  const { positives, bank, keys, index } = entries;
  const count = shape.reduce((all, side) => all * side, 1);
  return launchOne(kernel, {
    uniforms: { count, ...sizesOf(entries) },
    inputs: [first, positives, bank, keys, index],
    outputs: [{ shape }],
    invocations: count,
  }) as tf.Tensor3D;
}

function sizesOf({ bank, keys, index }: BankEntries): BankSizes {
  const [, capacity, columns] = bank.shape;
  const [, queries, negatives] = index.shape;
  return { columns, queries, negatives, capacity, most: keys.shape[1] };
}
