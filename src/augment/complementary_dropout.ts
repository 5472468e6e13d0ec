/**
 * Complementary dropout: of the channels of an image's features each of two views keeps
 * those that the other one loses.
 *
 *   first view ← 2m · features     second view ← 2·(1 − m) · features
 *
 * with m = 0 or 1 at even odds for each image and channel, the same for all maps. Half of
 * the images, rounded down, keep all channels in both views.
 *
 * Source: UniMatch V2, Yang et al. (2024), https://arxiv.org/abs/2410.10777. Its encoders
 * have maps of one width; here a narrower map has the m of the first channels.
 *
 * @module
 */
import { type BatchCount, drawEach } from "../core/host_batch.ts";
import { type MaybeHostInput, uploadHostInput } from "../core/host_input.ts";
import type { Random } from "../core/random.ts";
import * as tf from "../core/tf.ts";

/**
 * Draws the factors of the channels.
 *
 * @param channels Of the widest map.
 * @returns Of the first views of all images, then of the second ones. [2B, channels]
 */
export function drawComplementaryDropout(
  count: BatchCount,
  channels: number,
  random: Random,
): Float32Array<ArrayBuffer> {
  const { batchSize } = count.part ?? count;
  const kept = new Set(random.sample(batchSize, Math.floor(batchSize / 2)));
  let image = 0;
  const first = drawEach(count, () => {
    const isKept = kept.has(image++);
    return Array.from({ length: channels }, () => {
      const factor = 2 * random.integer(2);
      return isKept ? 1 : factor;
    });
  }).flat();
  return Float32Array.from([...first, ...first.map((factor) => 2 - factor)]);
}

/**
 * Drops channels of feature maps.
 *
 * @param maps Of the first views of all images, then of the second ones. [2B, h, w, C]
 * @param factors Of the channels of the widest map. [2B, channels]
 * @returns Like the maps; the caller owns them.
 */
export function complementaryDropout(
  maps: readonly tf.Tensor4D[],
  factors: MaybeHostInput<Float32Array<ArrayBuffer>>,
): tf.Tensor4D[] {
  const channels = Math.max(...maps.map(({ shape }) => shape[3]));
  return tf.tidy(() => {
    const views = maps[0]?.shape[0] ?? 0;
    const widest = uploadHostInput<tf.Rank.R4>(factors, [views, 1, 1, channels]);
    return maps.map((map) =>
      tf.mul(map, tf.slice(widest, [0, 0, 0, 0], [-1, -1, -1, map.shape[3]]))
    );
  });
}
