import { IGNORED } from "../core/host_batch.ts";
import * as tf from "../core/tf.ts";
import { softmaxCrossEntropy } from "../ops/cross_entropy.ts";
import { offTape } from "../ops/off_tape.ts";
import { valueOfRank } from "../ops/order_statistic.ts";
import { countValid, isValid, validCrossEntropy } from "./valid_cross_entropy.ts";

/** Which pixels are hard. */
export interface HardExampleOptions {
  /** Pixels whose true class is at most this probable are always kept. */
  readonly threshold: number;
  /** At least so many pixels are kept; 0 keeps all. */
  readonly minimumKept: number;
}

/**
 * Cross entropy over the hardest pixels (online hard example mining).
 *
 * τ = max(threshold, the minimumKept-th smallest probability of a true class); the mean
 * is over labelled pixels whose true class has a probability of at most τ. With fewer
 * labelled pixels than `minimumKept` all are kept.
 *
 * Source: U2PL, Wang et al. (CVPR 2022), https://arxiv.org/abs/2203.03884, as in the
 * semi-supervised branch of FST. Ignored pixels count as probability 1 in the order.
 *
 * @param logits At label size. [B, H, W, C]
 * @param labels int32, 255 ignored. [B, H, W]
 * @returns A scalar; the caller owns it.
 */
export function hardExampleCrossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
  { threshold, minimumKept }: HardExampleOptions,
): tf.Scalar {
  return tf.tidy(() => {
    if (minimumKept === 0) return validCrossEntropy(logits, labels);
    const hard = offTape(() => {
      const probability = tf.exp(tf.neg(softmaxCrossEntropy(logits, labels)));
      const rank = Math.min(labels.size, minimumKept) - 1;
      const bound = tf.maximum(valueOfRank(probability, rank), threshold);
      // With too few labels the bound is above every probability.
      const tooFew = tf.less(countValid(labels), minimumKept);
      const kept = tf.lessEqual(probability, tf.add(bound, tf.cast(tooFew, "float32")));
      const ignored = tf.scalar(IGNORED, "int32");
      return tf.where(tf.logicalAnd(kept, isValid(labels)), labels, ignored);
    });
    return validCrossEntropy(logits, hard);
  });
}
