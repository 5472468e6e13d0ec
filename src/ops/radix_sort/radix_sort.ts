/** A stable sort of pairs, computed on the device. No gradient. @module */
import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { allocateTensor, launch } from "../../gpu/launch.ts";
import countShader from "./count.wgsl" with { type: "text" };
import digits from "./digits.wgsl" with { type: "text" };
import prefixSumsShader from "./prefix_sums.wgsl" with { type: "text" };
import { radixSortReference } from "./reference.ts";
import scatterShader from "./scatter.wgsl" with { type: "text" };

/** Bits of a key, in the digits of `digits.wgsl`. */
const SHIFTS = [0, 5, 10, 15, 20, 25];
const DIGITS = 32;
/** Elements of a row that a workgroup takes. */
export const TILE = 1024;

const UNIFORMS = { count: "u32", tiles: "u32", shift: "u32" } as const;

const COUNT = defineKernel({
  name: "radixSortCount",
  uniforms: UNIFORMS,
  inputs: { keys: "i32" },
  outputs: { counts: "i32" },
  shader: digits + countShader,
});

const PREFIX_SUMS = defineKernel({
  name: "prefixSums",
  uniforms: { length: "u32" },
  inputs: { counts: "i32" },
  outputs: { offsets: "i32" },
  shader: prefixSumsShader,
});

const SCATTER = defineKernel({
  name: "radixSortScatter",
  uniforms: UNIFORMS,
  inputs: { keys: "i32", items: "i32", offsets: "i32" },
  outputs: { sortedKeys: "i32", sortedItems: "i32" },
  shader: digits + scatterShader,
});

const ON_HOST = defineKernel({
  name: "radixSort",
  uniforms: { count: "u32" },
  inputs: { keys: "i32", items: "i32" },
  outputs: { sortedKeys: "i32", sortedItems: "i32" },
  reference: radixSortReference,
});

/** Rows of keys, and what belongs to each. */
export interface KeysAndItems {
  /** int32, 0 … 2³⁰ − 1. [R, N] */
  readonly keys: tf.Tensor;
  /** int32. [R, N] */
  readonly items: tf.Tensor;
}

/**
 * Sorts every row of pairs by its keys, ascending; equal keys keep their order.
 *
 * @returns The caller owns both.
 */
export function radixSort({ keys, items }: KeysAndItems): KeysAndItems {
  const [rows = 1, count = 0] = keys.shape;
  if (tf.getBackend() !== "webgpu") {
    const sorted = launch(ON_HOST, {
      uniforms: { count },
      inputs: { keys, items },
      outputs: { sortedKeys: keys.shape, sortedItems: items.shape },
    });
    return { keys: sorted.sortedKeys, items: sorted.sortedItems };
  }
  const tiles = Math.ceil(count / TILE);
  const invocations = 64 * rows * tiles;
  const places = (): KeysAndItems => ({
    keys: allocateTensor(keys.shape, "i32"),
    items: allocateTensor(items.shape, "i32"),
  });
  let [from, to, unused]: [KeysAndItems, KeysAndItems, KeysAndItems] = [
    { keys, items },
    places(),
    places(),
  ];
  for (const shift of SHIFTS) {
    const uniforms = { count, tiles, shift };
    const { counts } = launch(COUNT, {
      ...{ uniforms, invocations },
      inputs: { keys: from.keys },
      outputs: { counts: [rows, DIGITS, tiles] },
    });
    const offsets = prefixSums(counts, rows);
    launch(SCATTER, {
      ...{ uniforms, invocations },
      inputs: { ...from, offsets },
      outputs: { sortedKeys: to.keys, sortedItems: to.items },
    });
    tf.dispose([counts, offsets]);
    [from, to, unused] = [to, unused, to];
  }
  tf.dispose({ ...to });
  return from;
}

/**
 * Of every element of a row, the sum of those before it; on webgpu alone.
 *
 * @param counts int32. [R, ...]
 * @returns int32, of the same shape; the caller owns it.
 */
export function prefixSums(counts: tf.Tensor, rows: number): tf.Tensor {
  return launch(PREFIX_SUMS, {
    uniforms: { length: counts.size / rows },
    inputs: { counts },
    outputs: { offsets: counts.shape },
    invocations: 64 * rows,
  }).offsets;
}
