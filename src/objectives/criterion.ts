/**
 * A criterion: the loss of labeled pixels, a weighted sum of terms.
 *
 *   C(z, y) = Σ over terms t of weight_t · (L_t(z, y) + Σ over auxiliary heads a of
 *   lossWeight_a · L_t(z_a, y))
 *
 * A batch that is learned from in micro-batches has the mean of their losses. Where a mean
 * over pixels divides by the labeled ones, it does so by those of the whole batch, and the
 * losses of the micro-batches add up to that of the batch; what does not add up is
 * {@linkcode isPerMicroBatch}. Where several ranks train together, their losses add up in
 * the same way, but for what is {@linkcode isPerRank}.
 *
 * @module
 */
import type { DecoderOutput, LabelCrop, UpsampleOptions } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { meanOverRanks } from "../ops/across_ranks.ts";
import { labelWeights } from "../ops/label_weights/label_weights.ts";
import { focalCrossEntropy } from "../ops/focal_cross_entropy/focal_cross_entropy.ts";
import { pixelSoftmax } from "../ops/softmax/softmax.ts";
import { upsampledCrossEntropy } from "../ops/cross_entropy/upsampled_cross_entropy.ts";
import {
  countValid,
  lossWithAuxiliary,
  meanCrossEntropy,
  ohemCrossEntropy,
  type OhemOptions,
  resizeLogits,
  validCrossEntropy,
} from "./cross_entropy.ts";
import {
  diceLoss,
  type DiceOptions,
  type LovaszOptions,
  lovaszSoftmax,
} from "./region_losses.ts";

/** A mean over pixels, each with the weight of its class. */
interface PixelMean {
  /**
   * What the sum over labeled pixels is divided by: the number of all pixels, as in
   * mmsegmentation, or that of the labeled ones, as in PyTorch. There, cross entropy divides
   * by the weights of their classes.
   */
  readonly average: "all" | "valid";
  /** Null: 1. */
  readonly classWeights: readonly number[] | null;
}

/** One loss. */
export type CriterionTerm =
  & {
    /** Its factor in the sum. */
    readonly weight: number;
  }
  & (
    | { readonly name: "cross-entropy"; readonly labelSmoothing: number } & PixelMean
    | { readonly name: "focal"; readonly gamma: number } & PixelMean
    | { readonly name: "ohem" } & OhemOptions
    | { readonly name: "dice" } & DiceOptions
    | { readonly name: "lovasz-softmax" } & LovaszOptions
  );

/** The loss of labeled pixels. */
export interface Criterion {
  readonly terms: readonly CriterionTerm[];
  /** Whether every term is logged by its name. */
  readonly logsTerms: boolean;
}

/** Plain cross entropy: "all" is that of domain adaptation, as published. */
export function crossEntropyCriterion(average: PixelMean["average"]): Criterion {
  const options = { weight: 1, average, labelSmoothing: 0, classWeights: null };
  return { terms: [{ name: "cross-entropy", ...options }], logsTerms: false };
}

/** The labels that a loss is of. */
export interface CriterionLabels {
  /** int32, 255 ignored. [B, H, W] */
  readonly labels: tf.Tensor;
  /** Those of the batch that these are a micro-batch of. @default {labels} */
  readonly batchLabels?: tf.Tensor;
}

/**
 * The loss of a network's output, auxiliary logits included.
 *
 * @param record Called with the share of every term in it, if they are to be logged.
 * @returns A scalar; the caller owns it.
 */
export function criterionLoss(
  { terms, logsTerms }: Criterion,
  output: DecoderOutput,
  labels: CriterionLabels,
  upsampling: UpsampleOptions,
  record: (name: string, loss: tf.Scalar) => void,
): tf.Scalar {
  const heads = new Map<tf.Tensor4D, Head>();
  // Terms share what they compute of the same logits.
  const headOf = (logits: tf.Tensor4D, cropLabels: LabelCrop): Head => {
    const head = heads.get(logits) ??
      createHead(logits, cropped(labels, cropLabels), upsampling);
    heads.set(logits, head);
    return head;
  };
  let sum: tf.Scalar | null = null;
  for (const term of terms) {
    const loss = lossWithAuxiliary(
      output,
      (logits, cropLabels) => termLoss(term, headOf(logits, cropLabels)),
    );
    const share: tf.Scalar = term.weight === 1 ? loss : tf.mul(loss, term.weight);
    if (logsTerms) record(term.name, share);
    sum = sum === null ? share : tf.add(sum, share);
  }
  return sum ?? tf.scalar(0);
}

function cropped(
  { labels, batchLabels = labels }: CriterionLabels,
  cropLabels: LabelCrop,
): CriterionLabels {
  const part = cropLabels(labels);
  return {
    labels: part,
    batchLabels: batchLabels === labels ? part : cropLabels(batchLabels),
  };
}

/** Whether a term of a micro-batch is one of its pixels alone: the batch has another sum. */
export function isPerMicroBatch(
  term: { readonly name: string; readonly per?: string },
): boolean {
  return term.name === "ohem" || isPerRank(term);
}

/** Whether a term of a rank's part of a batch is one of its pixels alone. */
export function isPerRank(
  term: { readonly name: string; readonly per?: string },
): boolean {
  return term.per === "batch";
}

/** The logits of one head, and what follows from them. */
interface Head extends Required<CriterionLabels> {
  /** Of any size. [B, h, w, C] */
  readonly logits: tf.Tensor4D;
  readonly upsampling: UpsampleOptions;
  /** At label size. [B, H, W, C] */
  upsampled(): tf.Tensor4D;
  /** Their softmax. [B, H, W, C] */
  probabilities(): tf.Tensor4D;
}

function createHead(
  logits: tf.Tensor4D,
  { labels, batchLabels = labels }: CriterionLabels,
  upsampling: UpsampleOptions,
): Head {
  const [, H = 0, W = 0] = labels.shape;
  let upsampled: tf.Tensor4D | null = null;
  let probabilities: tf.Tensor4D | null = null;
  const head: Head = {
    ...{ logits, labels, batchLabels, upsampling },
    upsampled: () => upsampled ??= resizeLogits(logits, [H, W], upsampling),
    probabilities: () => probabilities ??= pixelSoftmax(head.upsampled()),
  };
  return head;
}

function termLoss(term: CriterionTerm, head: Head): tf.Scalar {
  const { logits, labels, batchLabels, upsampling } = head;
  switch (term.name) {
    case "dice":
      return diceLoss(head.probabilities(), labels, term);
    case "lovasz-softmax":
      return lovaszSoftmax(head.probabilities(), labels, term);
    case "ohem":
      return ohemCrossEntropy(head.upsampled(), labels, term);
  }
  const gamma = term.name === "focal" ? term.gamma : 0;
  const labelSmoothing = term.name === "focal" ? 0 : term.labelSmoothing;
  const { average, classWeights } = term;
  const isPlain = gamma === 0 && labelSmoothing === 0;
  if (isPlain && classWeights === null) {
    if (average === "all") return meanCrossEntropy(logits, labels, null, upsampling);
    if (batchLabels === labels) return validCrossEntropy(logits, labels, upsampling);
  }
  // Made before the scope below, for other terms to use.
  const upsampled = isPlain ? null : head.upsampled();
  return tf.tidy(() => {
    const weights = classWeights === null ? null : tf.tensor1d([...classWeights]);
    const sum = upsampled === null
      ? upsampledCrossEntropy(
        logits,
        labels,
        weights && labelWeights(labels, weights),
        upsampling,
      )
      : sumByRows(focalCrossEntropy(upsampled, labels, {
        ...{ gamma, labelSmoothing },
        classWeights: weights ?? tf.ones([upsampled.shape[3]]),
      }));
    if (average === "all") return tf.div<tf.Scalar>(sum, labels.size);
    const divisor = meanOverRanks(
      weights === null || term.name === "focal"
        ? countValid(batchLabels)
        : sumByRows(labelWeights(batchLabels, weights)),
    );
    // Without a labeled pixel the sum is 0, too.
    const positive = tf.where(tf.greater(divisor, 0), divisor, tf.scalar(1));
    const [part, whole] = [labels.size, batchLabels.size];
    return tf.div<tf.Scalar>(
      part === whole ? sum : tf.mul(sum, whole / part),
      positive,
    );
  });
}

// Row by row: short float32 sums lose less than one long one.
function sumByRows(values: tf.Tensor): tf.Scalar {
  return tf.sum<tf.Scalar>(tf.sum(values, -1));
}
