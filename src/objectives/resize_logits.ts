import type * as tf from "../core/tf.ts";
import { resizeBilinear } from "../ops/resize_bilinear.ts";

/**
 * Brings logits to the size of labels: bilinear, half-pixel centres unless the network
 * aligns corners.
 *
 * @param logits [B, h, w, C]
 * @param size Height and width, in pixels.
 * @returns [B, H, W, C]; the caller owns it.
 */
export function resizeLogits(
  logits: tf.Tensor4D,
  size: readonly [number, number],
  { alignCorners = false }: { readonly alignCorners?: boolean } = {},
): tf.Tensor4D {
  return resizeBilinear(logits, size, { alignCorners });
}
