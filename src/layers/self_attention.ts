import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { attention } from "../ops/attention/attention.ts";
import { linear } from "./linear.ts";
import { assertHeads, flattenPixels } from "./multi_head_attention.ts";
import { parametersOf } from "./parameter.ts";

/**
 * Multi-head attention among all tokens: softmax(Q·Kᵀ / √(C/heads))·V.
 *
 * Source: Dosovitskiy et al., "An Image is Worth 16×16 Words" (ICLR 2021),
 * https://arxiv.org/abs/2010.11929.
 *
 * @param name Parameters are `<name>.qkv.*` [3C, C in PyTorch] and `<name>.proj.*`.
 * @param heads Divides C.
 * @throws {RangeError} If `heads` does not divide the channels.
 */
export function selfAttention(name: string, channels: number, heads: number): Layer {
  assertHeads(heads, channels);
  const qkv = linear(`${name}.qkv`, channels, 3 * channels);
  const output = linear(`${name}.proj`, channels, channels);
  return {
    parameters: parametersOf(qkv, output),
    apply(weights, x, context) {
      const packed = flattenPixels(qkv.apply(weights, x, context)); // [B, N, 3C]
      const [B, N] = packed.shape;
      const query = tf.slice(packed, [0, 0, 0], [B, N, channels]);
      const keyValue = tf.slice(packed, [0, 0, channels], [B, N, 2 * channels]);
      const attended = attention(query, keyValue, heads); // [B, N, C]
      return output.apply(weights, tf.reshape(attended, x.shape), context);
    },
  };
}
