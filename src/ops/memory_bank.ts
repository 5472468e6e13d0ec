/** A bank of vectors per class, on the device. @module */
import * as tf from "../core/tf.ts";
import * as kernel from "../kernels/memory_bank/mod.ts";

export { drawEntries, enqueue } from "../kernels/memory_bank/mod.ts";
export type { BankEntries } from "../kernels/memory_bank/mod.ts";

/**
 * Products of anchors with the positive of their class and with drawn entries of its bank,
 * which are read where they lie. Only the anchors have a gradient.
 *
 * @param anchors [C, Q, D]
 * @param entries Must not change before the gradient is computed.
 * @returns The positive's product first. [C, Q, 1 + N]; the caller owns it.
 */
export function entryProducts(
  anchors: tf.Tensor3D,
  entries: kernel.BankEntries,
): tf.Tensor3D {
  return tf.differentiable<tf.Tensor3D>(
    { anchors },
    () => kernel.products(anchors, entries),
    (dy) => ({ anchors: () => kernel.productsGradient(dy, entries) }),
  );
}
