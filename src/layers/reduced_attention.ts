import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { attention } from "../ops/attention.ts";
import { convolution } from "./convolution.ts";
import { layerNorm } from "./layer_norm.ts";
import { linear } from "./linear.ts";
import { parametersOf } from "./parameter.ts";

// LayerNorm's default in PyTorch; only the blocks' own norms use 1e-6.
const EPSILON = 1e-5;

/**
 * Multi-head attention whose keys and values come from a map that is R times coarser.
 *
 * out = softmax(Q·Kᵀ / √(C/heads))·V, so the cost is O(N²/R²) instead of O(N²).
 *
 * Source: Xie et al., "SegFormer" (NeurIPS 2021), https://arxiv.org/abs/2105.15203,
 * section 3.1.
 *
 * @param name Parameters are `<name>.{q,kv,proj}.*` and, if R > 1, `<name>.{sr,norm}.*`.
 * @param heads Divides C.
 * @param reduction R, in pixels of the map.
 * @throws {RangeError} If `heads` does not divide the channels.
 */
export function reducedAttention(
  name: string,
  channels: number,
  { heads, reduction }: { heads: number; reduction: number },
): Layer {
  if (channels % heads !== 0) {
    throw new RangeError(
      `Cannot split attention: "heads" must divide the channels: received ${heads} for ` +
        `${channels}`,
    );
  }
  const query = linear(`${name}.q`, channels, channels);
  const keyValue = linear(`${name}.kv`, channels, 2 * channels);
  const output = linear(`${name}.proj`, channels, channels);
  const reduce = reduction === 1 ? [] : [
    convolution(`${name}.sr`, channels, channels, {
      kernel: reduction,
      stride: reduction,
    }),
    layerNorm(`${name}.norm`, channels, EPSILON),
  ];
  return {
    parameters: parametersOf(query, keyValue, output, ...reduce),
    apply(weights, x, pass) {
      const [B, H, W, C] = x.shape;
      const coarse = reduce.reduce((map, layer) => layer.apply(weights, map, pass), x);
      const M = coarse.shape[1] * coarse.shape[2];
      const q = tf.reshape<tf.Rank.R3>(query.apply(weights, x, pass), [B, H * W, C]);
      const kv = tf.reshape<tf.Rank.R3>(keyValue.apply(weights, coarse, pass), [
        B,
        M,
        2 * C,
      ]);
      const mixed = attention(q, kv, heads); // [B, H·W, C]
      return output.apply(weights, tf.reshape(mixed, [B, H, W, C]), pass);
    },
  };
}
