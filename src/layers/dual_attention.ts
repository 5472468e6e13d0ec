/**
 * The two attentions of DANet, over positions and over channels. Each is added to its map
 * with a learned factor γ that starts at 0: a fresh one changes nothing.
 *
 * Source: Fu et al., "Dual Attention Network for Scene Segmentation" (CVPR 2019),
 * https://arxiv.org/abs/1809.02983.
 *
 * @module
 */
import { type Layer, type Parameter, weightOf } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { singleHeadAttention } from "../ops/attention/attention.ts";
import { gramMatrix } from "../ops/outer_products.ts";
import { matMul } from "../ops/mat_mul/mat_mul.ts";
import { convolution } from "./convolution.ts";
import { flattenPixels } from "./multi_head_attention.ts";
import { parameter, parametersOf } from "./parameter.ts";

/**
 * Attention of every pixel to all pixels.
 *
 * out = x + γ · softmax(Q·Kᵀ)·V, without the division by the root of the channels.
 *
 * @param name Parameters are `<name>.{key,query,value}_project.*` and
 * `<name>.gamma.scale`.
 * @param keyChannels Channels of keys and queries.
 */
export function positionAttention(
  name: string,
  channels: number,
  keyChannels: number,
): Layer {
  const project = (projection: string, outChannels: number) =>
    convolution(`${name}.${projection}_project`, channels, outChannels, {
      kernelSize: 1,
      init: "pytorch",
    });
  const key = project("key", keyChannels);
  const query = project("query", keyChannels);
  const value = project("value", channels);
  const gamma = gammaOf(name);
  return {
    parameters: [...parametersOf(key, query, value), gamma],
    apply(weights, x, context) {
      const flat = (layer: Layer) => flattenPixels(layer.apply(weights, x, context));
      const attended = singleHeadAttention(flat(query), flat(key), flat(value), 1); // [B, H·W, C]
      return addScaled(x, attended, weightOf(weights, gamma));
    },
  };
}

/**
 * Attention of every channel to all channels.
 *
 * out = x + γ · softmax(rowmax(A) − A)·X with X one row per channel, A = X·Xᵀ: channels
 * attend to those that they resemble least; the sign is that of the published code.
 *
 * @param name The parameter is `<name>.gamma.scale`.
 */
export function channelAttention(name: string): Layer {
  const gamma = gammaOf(name);
  return {
    parameters: [gamma],
    apply(weights, x) {
      const flat = flattenPixels(x);
      // Softmax does not depend on what is added to a row: the row's maximum is left out.
      const attention = tf.softmax(tf.neg(gramMatrix(flat))); // [B, C, C]
      const attended = matMul(flat, attention, { transposeB: true }); // [B, H·W, C]
      return addScaled(x, attended, weightOf(weights, gamma));
    },
  };
}

const gammaOf = (name: string): Parameter =>
  parameter(`${name}.gamma.scale`, [], "plain", { kind: "constant", value: 0 });

// x + γ · attended
function addScaled(x: tf.Tensor4D, attended: tf.Tensor, gamma: tf.Tensor): tf.Tensor4D {
  return tf.add(x, tf.mul(tf.reshape(attended, x.shape), gamma));
}
