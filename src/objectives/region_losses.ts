/**
 * Losses of whole regions: of the overlap of predicted and labeled pixels per class, which
 * is no mean over pixels.
 *
 * @module
 */
import * as tf from "../core/tf.ts";
import { classCounts, classSums } from "../ops/class_sums/class_sums.ts";
import { lovaszExtension } from "../ops/lovasz_extension/lovasz_extension.ts";

/** What a region is made of: pixels of all images together, or of each, then their mean. */
export type RegionExtent = "batch" | "image";

/** Which Dice loss it is. */
export interface DiceOptions {
  /** s */
  readonly smooth: number;
  readonly per: RegionExtent;
}

/** Keeps the quotient of an absent class finite; the source's constant. */
const DICE_EPSILON = 1e-7;

/**
 * Soft Dice loss.
 *
 * L = 1/C · Σ over classes c with a labeled pixel of
 * 1 − (2 · Σ p_c · y_c + s) / max(Σ p_c + Σ y_c + s, 1e-7), sums over labeled pixels, y being
 * 1 where the label is c, else 0. The divisor is the number of all classes.
 *
 * Source: `DiceLoss("multiclass", ignore_index=255)` of segmentation_models.pytorch, which
 * is `per: "batch"`.
 *
 * @param probabilities p. [B, H, W, C]
 * @param labels int32, 255 ignored. [B, H, W]
 * @returns A scalar; the caller owns it.
 */
export function diceLoss(
  probabilities: tf.Tensor,
  labels: tf.Tensor,
  { smooth, per }: DiceOptions,
): tf.Scalar {
  return tf.tidy(() => {
    const [p, y] = segments(probabilities, labels, per);
    const [S = 1, , C = 1] = p.shape;
    const counts = classCounts(y, C); // [S, C]
    const [predicted, overlap] = tf.split(classSums(p, y), 2, 1)
      .map((sum) => tf.reshape(sum, [S, C])) as [tf.Tensor, tf.Tensor];
    const both = tf.add(tf.add(predicted, counts), smooth);
    const score = tf.div(
      tf.add(tf.mul(overlap, 2), smooth),
      tf.maximum(both, DICE_EPSILON),
    );
    const losses = tf.mul(tf.sub(1, score), presence(counts));
    return tf.div<tf.Scalar>(tf.sum(losses), S * C);
  });
}

/** Which Lovász-softmax loss it is. */
export interface LovaszOptions {
  /** Classes that are averaged over: those with a labeled pixel, or all. */
  readonly classes: "present" | "all";
  readonly per: RegionExtent;
}

/**
 * Lovász-softmax loss: a convex extension of 1 − IoU per class, and their mean.
 *
 * A region without any labeled pixel has loss 0.
 *
 * Source: Berman et al., "The Lovász-Softmax loss" (CVPR 2018),
 * https://arxiv.org/abs/1705.08790; see {@linkcode lovaszExtension}.
 *
 * @param probabilities [B, H, W, C]
 * @param labels int32, 255 ignored. [B, H, W]
 * @returns A scalar; the caller owns it.
 */
export function lovaszSoftmax(
  probabilities: tf.Tensor,
  labels: tf.Tensor,
  { classes, per }: LovaszOptions,
): tf.Scalar {
  return tf.tidy(() => {
    const [p, y] = segments(probabilities, labels, per);
    const [S = 1, , C = 1] = p.shape;
    const losses = lovaszExtension(p, y, classes === "present"); // [S, C]
    if (classes === "all") return tf.div<tf.Scalar>(tf.sum(losses), S * C);
    const present = presence(classCounts(y, C)); // [S, C]
    const classCount = tf.maximum(tf.sum(present, -1), 1); // [S]
    const means = tf.div(tf.sum(tf.mul(losses, present), -1), classCount);
    return tf.div<tf.Scalar>(tf.sum(means), S);
  });
}

/** [S, P, C] and [S, P]: a segment per image, or one of all. */
function segments(
  probabilities: tf.Tensor,
  labels: tf.Tensor,
  per: RegionExtent,
): [tf.Tensor, tf.Tensor] {
  const [images = 1] = labels.shape;
  const S = per === "image" ? images : 1;
  const P = labels.size / S;
  const C = probabilities.size / labels.size;
  return [tf.reshape(probabilities, [S, P, C]), tf.reshape(labels, [S, P])];
}

/** 1 where a class has a pixel, else 0. */
function presence(counts: tf.Tensor): tf.Tensor {
  return tf.cast(tf.greater(counts, 0), "float32");
}
