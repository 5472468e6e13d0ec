/**
 * Attention inside windows, as in Swin Transformers.
 *
 * Source: Liu et al., "Swin Transformer" (ICCV 2021), https://arxiv.org/abs/2103.14030,
 * section 3.2; names as in mmsegmentation's `ShiftWindowMSA`.
 *
 * @module
 */
import type { HostTensor } from "../core/host_tensor.ts";
import { type Layer, type Parameter, weightOf } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import {
  windowPartition,
  windowReverse,
  windowSizes,
} from "../ops/window_partition/window_partition.ts";
import { windowPositionBias } from "../ops/position_bias/position_bias.ts";
import { linear } from "./linear.ts";
import { assertHeads, biasedAttention } from "./multi_head_attention.ts";
import { parameter, parametersOf } from "./parameter.ts";
import { resizeSwinPositionTable } from "./resize_position_table.ts";

/** The shape of attention inside windows. */
export interface WindowAttentionOptions {
  /** Divides C. */
  readonly heads: number;
  /** Side of a window, in pixels of the map. */
  readonly window: number;
  /** By how many pixels the map is rolled before, so that windows overlap those of 0. */
  readonly shift: number;
}

/**
 * Multi-head attention among the pixels of each window of a map.
 *
 * out = softmax((Q·D^−½)·Kᵀ + bias + mask)·V for each head of D = C / heads. Maps are
 * padded with zeros to whole windows; the padding takes part, as in the reference.
 *
 * @param name Parameters are `<name>.w_msa.{relative_position_bias_table,qkv.*,proj.*}`.
 * @throws {RangeError} If `heads` does not divide the channels.
 */
export function windowAttention(
  name: string,
  channels: number,
  { heads, window, shift }: WindowAttentionOptions,
): Layer {
  assertHeads(heads, channels);
  const attentionName = `${name}.w_msa`;
  const tableName = `${attentionName}.relative_position_bias_table`;
  const table = relativePositionTable(tableName, window, heads);
  const qkv = linear(`${attentionName}.qkv`, channels, 3 * channels);
  const output = linear(`${attentionName}.proj`, channels, channels);
  return {
    parameters: [table, ...parametersOf(qkv, output)],
    derivedBuffers: [{
      name: `${attentionName}.relative_position_index`,
      value: () => relativePositionIndex(window),
    }],
    apply(weights, x, context) {
      const sizes = windowSizes(x, window, shift);
      const pixels = windowPartition(x, sizes); // [B·windows, N, C]
      const [B, N, C] = pixels.shape;
      const qkvTokens = qkv.apply(weights, tf.reshape(pixels, [B, N, 1, C]), context);
      const attended = biasedAttention(
        qkvTokens,
        heads,
        (scores) => windowPositionBias(scores, weightOf(weights, table), sizes),
      );
      const projected = output.apply(weights, attended, context); // [B·windows, N, 1, C]
      return windowReverse(tf.reshape(projected, [B, N, C]), sizes); // [B, H, W, C]
    },
  };
}

/** The table of biases per relative position; one of another window is resized. */
function relativePositionTable(name: string, window: number, heads: number): Parameter {
  const side = 2 * window - 1; // offsets per axis
  const init = { kind: "truncated-normal", std: 0.02 } as const;
  return {
    ...parameter(name, [side ** 2, heads], "plain", init),
    adaptShape: (value) => resizeSwinPositionTable(value, side, heads),
  };
}

/**
 * The entry of the table for every pair of pixels, in PyTorch's layout. [window², window²]
 *
 *   index[p, q] = (py − qy + w − 1)·(2w − 1) + (px − qx + w − 1)
 */
function relativePositionIndex(window: number): HostTensor {
  const pixels = window ** 2;
  const side = 2 * window - 1;
  // An entry is linear in the difference of the places of p and q.
  const place = (p: number) => Math.floor(p / window) * side + p % window;
  const center = (window - 1) * (side + 1);
  const index = BigInt64Array.from(
    { length: pixels ** 2 },
    (_, k) => BigInt(place(Math.floor(k / pixels)) - place(k % pixels) + center),
  );
  return { dtype: "I64", shape: [pixels, pixels], bytes: new Uint8Array(index.buffer) };
}
