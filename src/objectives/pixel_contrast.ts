/**
 * A contrast of pixels: the student's confident pixels are drawn to the mean of their class
 * and away from pixels that the teacher may confuse with it, of this batch and of past ones.
 *
 *   L = mean over classes c and their Q anchors a of −log(P / (P + Σ over N negatives n of
 *       e^{cos(a, n)/T})),  P = e^{cos(a, prototype of c)/T}
 *
 * | what         | which pixels                                                           |
 * | ------------ | ---------------------------------------------------------------------- |
 * | confident    | labeled, or the entropy is at most its percentile α                    |
 * | uncertain    | labeled, or the entropy is at least its percentile 100 − α             |
 * | anchors of c | confident, of label c, more probable than a minimum; the student's     |
 * | prototype    | confident, of label c: m·prototype + (1 − m)·mean of the teacher's;    |
 * |              | that of an absent class stays                                          |
 * | negatives    | uncertain: c is among the first classes of a labeled pixel and not its |
 * |              | label, or among the later ones of another pixel; the teacher's         |
 *
 * Classes without an anchor or without a negative do not count, and L = 0 unless two do.
 * At most M negatives per class are taken from a batch, spread evenly over its pixels; the
 * published code takes all. Anchors and negatives are drawn with replacement.
 *
 * Source: U2PL, Wang et al. (CVPR 2022), https://arxiv.org/abs/2203.03884. Its code finds
 * the anchors and prototypes of a class by its number among those present, and requires a
 * negative to have the label c, which no labeled one can have; both are corrected here.
 *
 * @module
 */
import { hashStreamName } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { contrastRoles } from "../ops/contrast_roles/contrast_roles.ts";
import { gatherRows } from "../ops/gather_rows/gather_rows.ts";
import { matMulWithoutGradient } from "../ops/mat_mul/mat_mul.ts";
import {
  type BankEntries,
  bankSimilarities,
  sampleEntries,
} from "../ops/memory_bank/memory_bank.ts";
import { percentileOfTensorFraction } from "../ops/order_statistic/order_statistic.ts";
import { sampleFromRows } from "../ops/sample_from_rows/sample_from_rows.ts";
import type { ContrastMemory } from "./contrast_memory.ts";

/** What is compared, and how. */
export interface PixelContrastOptions {
  /** Q, anchors per class. */
  readonly numQueries: number;
  /** N, negatives per anchor. */
  readonly numNegatives: number;
  /** T, at least 0.05. */
  readonly temperature: number;
  /**
   * Ranks of a class, 0 being the most probable one: in a negative it has a rank below the
   * first if the label is known, else from the first up to below the second.
   */
  readonly ranks: readonly [number, number];
  /** The label of an anchor is more probable than this. */
  readonly currentClassThreshold: number;
}

/** A teacher's output for a batch, labeled images first. */
export interface ContrastInputs {
  /** [I, h, w, C] */
  readonly logits: tf.Tensor4D;
  /** [I, h, w, D] */
  readonly representation: tf.Tensor4D;
  /** int32, 255 ignored; labels, then pseudo-labels. [I, H, W] */
  readonly labels: tf.Tensor;
  /** See `maskedEntropy`, of the unlabeled images. [I − labeled, H, W] */
  readonly entropy: tf.Tensor;
  /** α / 100, and the m of prototypes. [2] */
  readonly schedule: tf.Tensor;
}

/** The pixels and vectors that are compared. */
export interface ContrastSamples {
  /** Indices of pixels, −1 for none. int32 [C, Q] */
  readonly anchors: tf.Tensor2D;
  /** Indices of entries, see `BankEntries`. int32 [C, Q, N] */
  readonly negativeIndex: tf.Tensor3D;
  /** Unit vectors. [C, D] */
  readonly positives: tf.Tensor2D;
  /** The weight of each class: they sum to 1, or all are 0. [C] */
  readonly classWeights: tf.Tensor1D;
}

// Shorter vectors count as having this length; its square is a normal number.
const MIN_NORM = 1e-8;

/**
 * Samples what is compared, and stages what the memory would store.
 *
 * @param labeledCount The number of labeled images.
 * @param key Of the random draws.
 * @returns Tensors that the caller owns. No gradient.
 */
export function sampleContrast(
  inputs: ContrastInputs,
  labeledCount: number,
  memory: ContrastMemory,
  { ranks: [lowRank, highRank], currentClassThreshold, numQueries, numNegatives }:
    PixelContrastOptions,
  key: { readonly seed: number; readonly forwardIndex: number },
): ContrastSamples {
  return tf.tidy(() => {
    const { entropy, schedule } = inputs;
    const { cursor, staged, bank } = memory;
    const keyFor = (what: string) => ({
      ...key,
      stream: hashStreamName(`contrast/${what}`),
    });
    const share = tf.slice(schedule, [0], [1]);
    const entropyBounds = tf.stack([
      percentileOfTensorFraction(entropy, share),
      percentileOfTensorFraction(entropy, tf.sub(1, share)),
    ]); // [2]
    const limits = { lowRank, highRank, anchorThreshold: currentClassThreshold };
    const roles = contrastRoles({ ...inputs, entropyBounds }, labeledCount, limits);
    const representation = flattenPixels(inputs.representation); // [P, D]

    const [, maxNew] = staged.keys.shape;
    const chosen = sampleFromRows(roles.negatives, maxNew, true, keyFor("new"));
    const keys = l2Normalize(gatherRows(representation, chosen.index)); // [C, M, D]
    const newCounts = tf.minimum(chosen.counts, maxNew) as tf.Tensor1D;
    const [prototype, hasPrototype] = updatePrototypes(
      roles.prototypePixels,
      representation,
      schedule,
      memory,
    );
    const [next, filled] = [0, 1].map((column) => columnOf(cursor, column));
    const [, capacity] = bank.shape;
    const end = tf.add(next ?? newCounts, newCounts);
    const wraps = tf.cast(tf.greaterEqual(end, capacity), "float32");
    const filledCounts = tf.minimum(tf.add(filled ?? newCounts, newCounts), capacity); // [C]
    memory.stage({
      ...{ keys, newCounts, prototype },
      cursor: tf.stack(
        [tf.sub(end, tf.mul(wraps, capacity)), filledCounts, hasPrototype],
        1,
      ) as tf.Tensor2D,
    });

    const anchors = sampleFromRows(roles.anchors, numQueries, false, keyFor("anchors"));
    const negativeIndex = sampleEntries(
      cursor,
      newCounts,
      capacity,
      [numQueries, numNegatives],
      keyFor("negatives"),
    );
    const activeClasses = tf.mul(
      tf.cast(tf.greater(anchors.counts, 0), "float32"),
      tf.cast(tf.greater(filledCounts, 0), "float32"),
    );
    const classes = tf.sum(activeClasses);
    const enough = tf.cast(tf.greater(classes, 1), "float32");
    const classWeights = tf.mul(activeClasses, tf.div(enough, tf.maximum(classes, 1)));
    return {
      anchors: anchors.index,
      negativeIndex,
      positives: l2Normalize(prototype),
      classWeights: classWeights as tf.Tensor1D,
    };
  });
}

/**
 * Computes L.
 *
 * @param representation The student's. [I, h, w, D]
 * @returns A scalar; the caller owns it. Its gradient reaches the anchors alone.
 */
export function contrastLoss(
  representation: tf.Tensor4D,
  { anchors, negativeIndex, positives, classWeights }: ContrastSamples,
  { bank, staged: { keys: newKeys } }: Pick<ContrastMemory, "bank" | "staged">,
  temperature: number,
): tf.Scalar {
  return tf.tidy(() => {
    const chosen = l2Normalize(gatherRows(flattenPixels(representation), anchors)); // [C, Q, D]
    const entries: BankEntries = { positives, bank, newKeys, index: negativeIndex };
    const cosines = bankSimilarities(chosen, entries); // [C, Q, 1 + N]
    // No cosine is above 1, so no power is.
    const x = tf.div(tf.sub(cosines, 1), temperature);
    const [C, Q] = negativeIndex.shape;
    const positive = tf.reshape(tf.slice(x, [0, 0, 0], [C, Q, 1]), [C, Q]);
    const terms = tf.sub(tf.log(tf.sum(tf.exp(x), 2)), positive); // [C, Q]
    return tf.sum(tf.mul(tf.div(tf.sum(terms, 1), Q), classWeights));
  });
}

// The prototypes after this batch [C, D], and which of them exist [C].
function updatePrototypes(
  members: tf.Tensor2D,
  representation: tf.Tensor2D,
  schedule: tf.Tensor,
  { prototype, cursor }: ContrastMemory,
): [tf.Tensor2D, tf.Tensor1D] {
  const count = tf.sum(members, 1, true); // [C, 1]
  const present = tf.greater(count, 0);
  const sum = matMulWithoutGradient(members, representation);
  const mean = tf.div(sum, tf.maximum(count, 1)); // [C, D]
  const hadPrototype = tf.slice(cursor, [0, 2], [-1, 1]); // [C, 1]
  const decay = tf.mul(hadPrototype, tf.slice(schedule, [1], [1]));
  const moved = tf.add(mean, tf.mul(tf.sub(prototype, mean), decay));
  const presentMask = tf.cast(present, "float32");
  // Products with 0 and 1 instead of tf.where: both operands are finite.
  const next = tf.add(
    tf.mul(moved, presentMask),
    tf.mul(prototype, tf.sub(1, presentMask)),
  );
  return [next as tf.Tensor2D, tf.reshape(tf.maximum(hadPrototype, presentMask), [-1])];
}

function flattenPixels(map: tf.Tensor4D): tf.Tensor2D {
  return tf.reshape(map, [-1, map.shape[3]]);
}

function columnOf(matrix: tf.Tensor2D, column: number): tf.Tensor1D {
  return tf.reshape(tf.slice(matrix, [0, column], [-1, 1]), [-1]);
}

// x / ‖x‖ along the last axis; a vector of zeros stays one.
function l2Normalize<T extends tf.Tensor>(x: T): T {
  const square = tf.sum(tf.square(x), -1, true);
  return tf.mul(x, tf.rsqrt(tf.maximum(square, MIN_NORM ** 2)));
}
