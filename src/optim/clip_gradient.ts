/** Clipping a gradient by its norm. @module */
import { tagPurpose } from "../core/dry_run.ts";
import type { Weights } from "../core/network.ts";
import type * as tf from "../core/tf.ts";
import {
  normAndClipFactor,
  scaleAndDispose,
} from "../ops/gradient_norm/gradient_norm.ts";

/**
 * g ← g · min(1, maxNorm / (‖g‖ + 10⁻⁶)), with the L2 norm of all parameters together.
 *
 * A gradient whose norm is not finite stays as it is, so that a run that has failed is seen
 * to have failed.
 *
 * Source: PyTorch's `clip_grad_norm_`.
 *
 * @param gradient Freed.
 * @returns The new gradient and the norm of the old one; the caller owns both.
 */
export function clipGradient(
  gradient: Weights,
  maxNorm: number,
): { readonly gradient: Weights; readonly norm: tf.Scalar } {
  const tensors = [...gradient.values()];
  const { norm, factor } = normAndClipFactor(tensors, maxNorm);
  const scaled = scaleAndDispose(tensors, factor);
  factor.dispose();
  tagPurpose(scaled, "gradient");
  const names = [...gradient.keys()];
  return {
    norm,
    gradient: new Map(scaled.map((tensor, i) => [names[i] ?? "", tensor])),
  };
}
