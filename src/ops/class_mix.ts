/**
 * Pasting pixels of one domain into another, on the device.
 *
 * @module
 */
import type * as tf from "../core/tf.ts";
import * as kernel from "../kernels/class_mix/mod.ts";

export { LABEL_VALUES } from "../kernels/class_mix/mod.ts";
export type { MixedTensors } from "../kernels/class_mix/mod.ts";

/**
 * Marks the pixels of chosen classes.
 *
 * @param labels int32, 0 … 255. [B, H, W]
 * @param chosen int32, 1 at the chosen labels of each sample, else 0. [B, 256]
 * @returns int32, 1 where the label is chosen, else 0. [B, H, W]; the caller owns it.
 */
export function classMask(labels: tf.Tensor, chosen: tf.Tensor): tf.Tensor {
  return kernel.classMask(labels, chosen);
}

/**
 * Pastes source pixels over target pixels: M·source + (1 − M)·target, weight 1 where M = 1.
 *
 * @param mask int32. [B, H, W]
 * @returns Three tensors; the caller owns them.
 */
export function pasteSource(
  mask: tf.Tensor,
  source: Omit<kernel.MixedTensors, "weights">,
  target: kernel.MixedTensors,
): kernel.MixedTensors {
  return kernel.mix(mask, source, target);
}
