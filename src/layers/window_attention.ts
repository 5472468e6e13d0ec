import { type Layer, weightOf } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { matMul } from "../ops/mat_mul.ts";
import { windowBias } from "../ops/window_bias.ts";
import { joinWindows, splitWindows, windowSizes } from "../ops/windows.ts";
import { linear } from "./linear.ts";
import { parametersOf } from "./parameter.ts";
import { relativePositionIndex, relativePositionTable } from "./relative_position.ts";

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
 * Source: Liu et al., "Swin Transformer" (ICCV 2021), https://arxiv.org/abs/2103.14030,
 * section 3.2; names as in mmsegmentation's `ShiftWindowMSA`.
 *
 * @param name Parameters are `<name>.w_msa.{relative_position_bias_table,qkv.*,proj.*}`.
 * @throws {RangeError} If `heads` does not divide the channels.
 */
export function windowAttention(
  name: string,
  channels: number,
  { heads, window, shift }: WindowAttentionOptions,
): Layer {
  if (channels % heads !== 0) {
    throw new RangeError(
      `Cannot split attention: "heads" must divide the channels: received ${heads} for ` +
        `${channels}`,
    );
  }
  const inner = `${name}.w_msa`;
  const table = relativePositionTable(inner, window, heads);
  const qkv = linear(`${inner}.qkv`, channels, 3 * channels);
  const output = linear(`${inner}.proj`, channels, channels);
  return {
    parameters: [table, ...parametersOf(qkv, output)],
    constants: [relativePositionIndex(inner, window)],
    apply(weights, x, pass) {
      const C = channels;
      const D = C / heads;
      const sizes = windowSizes(x, window, shift);
      const pixels = splitWindows(x, sizes); // [B·windows, N, C]
      const [B, N] = pixels.shape;
      const all = qkv.apply(weights, tf.reshape(pixels, [B, N, 1, C]), pass);
      const part = (index: number) => {
        const mine = tf.slice(all, [0, 0, 0, index * C], [B, N, 1, C]);
        return tf.transpose(tf.reshape(mine, [B, N, heads, D]), [0, 2, 1, 3]);
      };
      const [q, k, v] = [part(0), part(1), part(2)]; // each [B·windows, heads, N, D]
      const scores = matMul(tf.mul(q, D ** -0.5), k, { transposeB: true });
      const biased = windowBias(
        scores as tf.Tensor4D,
        weightOf(weights, table),
        sizes,
      ); // [B·windows, heads, N, N]
      const mixed = matMul(tf.softmax(biased), v); // [B·windows, heads, N, D]
      const merged = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [B, N, 1, C]);
      const told = output.apply(weights, merged as tf.Tensor4D, pass);
      return joinWindows(tf.reshape(told, [B, N, C]), sizes); // [B, H, W, C]
    },
  };
}
