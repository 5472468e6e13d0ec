import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { gram } from "../ops/gram.ts";
import { matMul } from "../ops/mat_mul.ts";
import { gatedResidual } from "./gated_residual.ts";

/**
 * Attention of every channel to all channels, added to the map.
 *
 * out = x + γ · softmax(rowmax(A) − A)·X with X one row per channel, A = X·Xᵀ: channels
 * attend to those that they resemble least.
 *
 * Source: Fu et al., "Dual Attention Network for Scene Segmentation" (CVPR 2019),
 * https://arxiv.org/abs/1809.02983; the sign as in its published code.
 *
 * @param name The parameter is `<name>.gamma.scale`.
 */
export function channelAttention(name: string): Layer {
  const gate = gatedResidual(`${name}.gamma`);
  return {
    parameters: gate.parameters,
    apply(weights, x) {
      const [B, H, W, C] = x.shape;
      const flat = tf.reshape<tf.Rank.R3>(x, [B, H * W, C]);
      // A softmax does not see what is added to a row, so the row's maximum is left out.
      const shares = tf.softmax(tf.neg(gram(flat))); // [B, C, C]
      const mixed = matMul(flat, shares, { transposeB: true }); // [B, H·W, C]
      return gate.apply(weights, x, tf.reshape(mixed, [B, H, W, C]));
    },
  };
}
