import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { singleHeadAttention } from "../ops/single_head_attention.ts";
import { convolution } from "./convolution.ts";
import { gatedResidual } from "./gated_residual.ts";
import { parametersOf } from "./parameter.ts";

/**
 * Attention of every pixel to all pixels, added to the map.
 *
 * out = x + γ · softmax(Q·Kᵀ)·V, without the division by the root of the width.
 *
 * Source: Fu et al., "Dual Attention Network for Scene Segmentation" (CVPR 2019),
 * https://arxiv.org/abs/1809.02983.
 *
 * @param name Parameters are `<name>.{key,query,value}_project.*` and
 * `<name>.gamma.scale`.
 * @param reduced Channels of keys and queries.
 */
export function positionAttention(
  name: string,
  channels: number,
  reduced: number,
): Layer {
  const project = (part: string, outputs: number) =>
    convolution(`${name}.${part}_project`, channels, outputs, {
      kernel: 1,
      start: "pytorch",
    });
  const key = project("key", reduced);
  const query = project("query", reduced);
  const value = project("value", channels);
  const gate = gatedResidual(`${name}.gamma`);
  return {
    parameters: parametersOf(key, query, value, gate),
    apply(weights, x, pass) {
      const [B, H, W, C] = x.shape;
      const flat = (layer: Layer) => {
        const map = layer.apply(weights, x, pass);
        return tf.reshape<tf.Rank.R3>(map, [B, H * W, map.shape[3]]);
      };
      const mixed = singleHeadAttention(flat(query), flat(key), flat(value), 1); // [B, H·W, C]
      return gate.apply(weights, x, tf.reshape(mixed, [B, H, W, C]));
    },
  };
}
