import { streamOf } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { dropout } from "../ops/dropout.ts";

/**
 * Drops whole channels of the feature maps of some samples and scales the others up.
 *
 * Source: the feature perturbation of UniMatch, Yang et al. (CVPR 2023),
 * https://arxiv.org/abs/2208.09910.
 *
 * @param maps Of samples that stay as they are, then of those that do not. [B, h, w, C]
 * @param first The first of the latter, 1 … B − 1.
 * @param rate Share of channels that are dropped.
 * @param key Which draw; every map has its own.
 * @returns Like the maps; the caller owns them.
 */
export function dropFeatures(
  maps: readonly tf.Tensor4D[],
  first: number,
  rate: number,
  key: { readonly seed: number; readonly iteration: number },
): tf.Tensor4D[] {
  return maps.map((map, i) =>
    tf.tidy(() => {
      const [B, H, W, C] = map.shape;
      const kept = tf.slice(map, [0, 0, 0, 0], [first, H, W, C]);
      const rest = tf.slice(map, [first, 0, 0, 0], [B - first, H, W, C]);
      const stream = streamOf(`dropout/features/${i}`);
      return tf.concat([kept, dropout(rest, rate, "channel", { ...key, stream })], 0);
    })
  );
}
