import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { attention } from "../ops/attention/attention.ts";
import { convolution } from "./convolution.ts";
import { layerNorm } from "./normalization.ts";
import { linear } from "./linear.ts";
import { assertHeads, flattenPixels } from "./multi_head_attention.ts";
import { parametersOf } from "./parameter.ts";
import { pipe } from "./sequential.ts";

/**
 * Efficient self-attention: multi-head attention whose keys and values come from a map that
 * is R times coarser.
 *
 * out = softmax(Q·Kᵀ / √(C/heads))·V, so the cost is O(N²/R²) instead of O(N²).
 *
 * Source: Xie et al., "SegFormer" (NeurIPS 2021), https://arxiv.org/abs/2105.15203,
 * section 3.1; mmsegmentation's `EfficientMultiheadAttention`.
 *
 * @param name Parameters are `<name>.{q,kv,proj}.*` and, if R > 1, `<name>.{sr,norm}.*`.
 * @param heads Divides C.
 * @param reduction R, in pixels of the map.
 * @throws {RangeError} If `heads` does not divide the channels.
 */
export function reducedAttention(
  name: string,
  channels: number,
  { heads, reduction }: { readonly heads: number; readonly reduction: number },
): Layer {
  assertHeads(heads, channels);
  const query = linear(`${name}.q`, channels, channels);
  const keyValue = linear(`${name}.kv`, channels, 2 * channels);
  const output = linear(`${name}.proj`, channels, channels);
  const filter = { kernelSize: reduction, stride: reduction };
  const reduce = reduction === 1 ? pipe() : pipe(
    convolution(`${name}.sr`, channels, channels, filter),
    layerNorm(`${name}.norm`, channels),
  );
  return {
    parameters: parametersOf(query, keyValue, output, reduce),
    apply(weights, x, context) {
      const coarse = reduce.apply(weights, x, context); // [B, H/R, W/R, C]
      const q = flattenPixels(query.apply(weights, x, context)); // [B, N, C]
      const kv = flattenPixels(keyValue.apply(weights, coarse, context)); // [B, M, 2C]
      const attended = attention(q, kv, heads); // [B, H·W, C]
      return output.apply(weights, tf.reshape(attended, x.shape), context);
    },
  };
}
