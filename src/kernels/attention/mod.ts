/**
 * Softmax attention and its gradients without storing the scores, for a device. Its plain
 * twin is the composition in `ops/attention.ts`, which runs everywhere else.
 *
 * @module
 */
import type * as tf from "../../core/tf.ts";
import { columnSum } from "../column_sum/mod.ts";
import { type Kernel, launch, launchOne } from "../kernel.ts";
import forwardShader from "./forward.wgsl" with { type: "text" };
import keyValueShader from "./key_value_gradient.wgsl" with { type: "text" };
import queryShader from "./query_gradient.wgsl" with { type: "text" };
import rowProductShader from "./row_product.wgsl" with { type: "text" };
import sizesShader from "./sizes.wgsl" with { type: "text" };

/** The most channels per head that the shaders have room for. */
const MOST_CHANNELS = 64;
/** So many scores are worth computing again: 64 MiB that are not kept. */
const MANY_SCORES = 2 ** 24;
/** So many invocations are enough to fill a device. */
const ENOUGH = 16_384;
/** Fewer rows are not worth a block of their own. */
const LEAST_ROWS = 64;

const UNIFORMS = {
  count: "u32",
  rows: "u32",
  columns: "u32",
  heads: "u32",
  scale: "f32",
  block: "u32",
  depth: "u32",
} as const;

const FORWARD = kernel("attention", forwardShader);
const ROW_PRODUCT = kernel("attentionRowProduct", rowProductShader);
const QUERY_GRADIENT = kernel("attentionQueryGradient", queryShader);
const KEY_VALUE_GRADIENT = kernel("attentionKeyValueGradient", keyValueShader);

/** What attention went through, as its gradients need it. */
export interface Attended {
  /** [B, N, C] */
  readonly query: tf.Tensor;
  /** Keys first, then values. [B, M, 2C] */
  readonly keyValue: tf.Tensor;
  /** The result. [B, N, C] */
  readonly out: tf.Tensor;
  /** Logarithm of the sum of the exponentials of a query's scores. [B, heads, N] */
  readonly logs: tf.Tensor;
}

/**
 * Whether the shaders can do heads of so many channels, and are worth it.
 *
 * It is for the sake of memory, not of time: on a software driver attention in steps was
 * three to six times as fast, with and without gradients, for its products run in
 * register tiles.
 *
 * @param scores B · heads · N · M
 */
export function canAttend(channels: number, scores: number): boolean {
  return channels % 4 === 0 && channels <= MOST_CHANNELS && scores >= MANY_SCORES;
}

/** @returns softmax(Q·Kᵀ / √D)·V [B, N, C], and the logarithms [B, heads, N]. */
export function attention(
  query: tf.Tensor,
  keyValue: tf.Tensor,
  heads: number,
): [tf.Tensor, tf.Tensor] {
  const { uniforms, images, rows } = sizesOf(query, keyValue, heads);
  const count = images * heads * rows;
  return launch(FORWARD, {
    uniforms: { ...uniforms, count },
    inputs: [query, keyValue],
    outputs: [{ shape: query.shape }, { shape: [images, heads, rows] }],
    invocations: count,
  }) as [tf.Tensor, tf.Tensor];
}

/** @returns d(loss)/d(query). [B, N, C] */
export function queryGradient(
  attended: Attended,
  dy: tf.Tensor,
  heads: number,
): tf.Tensor {
  const { query, keyValue, logs } = attended;
  const { uniforms, images, rows } = sizesOf(query, keyValue, heads);
  const back = rowProduct(attended, dy, heads);
  const count = images * heads * rows;
  const gradient = launchOne(QUERY_GRADIENT, {
    uniforms: { ...uniforms, count },
    inputs: [query, keyValue, dy, logs, back],
    outputs: [{ shape: query.shape }],
    invocations: count,
  });
  back.dispose();
  return gradient;
}

/** @returns d(loss)/d(keys and values). [B, M, 2C] */
export function keyValueGradient(
  attended: Attended,
  dy: tf.Tensor,
  heads: number,
): tf.Tensor {
  const { query, keyValue, logs } = attended;
  const { uniforms, images, rows } = sizesOf(query, keyValue, heads);
  const back = rowProduct(attended, dy, heads);
  const single = images * heads * uniforms.columns;
  const wanted = Math.min(Math.ceil(ENOUGH / single), Math.ceil(rows / LEAST_ROWS));
  const block = Math.ceil(rows / wanted);
  const blocks = Math.ceil(rows / block);
  const count = blocks * single;
  const parts = launchOne(KEY_VALUE_GRADIENT, {
    uniforms: { ...uniforms, block, count },
    inputs: [query, keyValue, dy, logs, back],
    outputs: [{ shape: [blocks, keyValue.size] }],
    invocations: count,
  });
  back.dispose();
  const sum = columnSum(parts);
  parts.dispose();
  return sum.reshape(keyValue.shape);
}

function rowProduct({ query, keyValue, out }: Attended, dy: tf.Tensor, heads: number) {
  const { uniforms, images, rows } = sizesOf(query, keyValue, heads);
  const count = images * heads * rows;
  return launchOne(ROW_PRODUCT, {
    uniforms: { ...uniforms, count },
    inputs: [dy, out],
    outputs: [{ shape: [images, heads, rows] }],
    invocations: count,
  });
}

function sizesOf(query: tf.Tensor, keyValue: tf.Tensor, heads: number) {
  const [images = 0, rows = 0, channels = 0] = query.shape;
  const columns = keyValue.shape[1] ?? 0;
  const scale = (channels / heads) ** -0.5;
  return {
    uniforms: { rows, columns, heads, scale, block: rows, depth: channels / heads / 4 },
    images,
    rows,
  };
}

function kernel(name: string, shader: string): Kernel<keyof typeof UNIFORMS> {
  return { name, shader: sizesShader + shader, uniforms: UNIFORMS };
}
