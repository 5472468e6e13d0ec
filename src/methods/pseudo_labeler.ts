/** Pseudo-labels of a teacher, and how far they agree with earlier ones. @module */
import type { LabeledImages } from "../augment/perturbation.ts";
import type { MixedBatch } from "../augment/strong_augmentation.ts";
import { type Batch, sliceBatch, unlabeledImages } from "../core/batch.ts";
import {
  type DecoderOutput,
  EVAL_CONTEXT,
  type Network,
  type Weights,
} from "../core/network.ts";
import * as tf from "../core/tf.ts";
import type { Criterion } from "../objectives/criterion.ts";
import { isValid, maskLabels } from "../objectives/cross_entropy.ts";
import {
  computePseudoLabel,
  labelAgreement,
  type PseudoLabel,
} from "../objectives/pseudo_label.ts";
import { copyBuffers } from "../optim/ema_update.ts";
import { type LossesAndGradient, type Objective, requireTeacher } from "./learner.ts";
import type { MaskedConsistency } from "./masked_consistency.ts";

/** The pseudo-labels of one iteration. */
export interface PseudoLabeler {
  /** Labels the unlabeled images of a batch, 255 for no label; the caller owns the result. */
  label(teacher: Weights, batch: Batch): PseudoLabel;
  /**
   * The share of pixels that a teacher labels as the last one did; the caller owns it. The
   * new pseudo-labels are what `label` returns next.
   */
  agreement(teacher: Weights, batch: Batch): tf.Scalar;
  /** Frees the cached pseudo-labels. */
  clearCache(): void;
}

/** Computes pseudo-labels, whose tensors the caller owns. */
export type PredictPseudoLabel = (teacher: Weights, batch: Batch) => PseudoLabel;

/** How pseudo-labels are compared. */
export interface AgreementOptions {
  /** A pixel has a label if its probability is at least this. */
  readonly confidenceThreshold: number;
  /** Whether they are compared at all, because the depth of a look-ahead depends on it. */
  readonly measuresAgreement: boolean;
}

/** A pseudo-labeler that keeps the last labels of an iteration for comparison. */
export function comparingPseudoLabeler(
  predict: PredictPseudoLabel,
  { confidenceThreshold, measuresAgreement }: AgreementOptions,
): PseudoLabeler {
  let previousLabels: tf.Tensor | null = null;
  let cached: PseudoLabel | null = null;

  const storeLabels = (pseudoLabel: PseudoLabel): tf.Tensor => {
    previousLabels?.dispose();
    return previousLabels = maskLowConfidence(pseudoLabel, confidenceThreshold);
  };

  return {
    label(teacher, batch) {
      const reused = cached;
      cached = null;
      if (reused !== null) return reused;
      const pseudoLabel = predict(teacher, batch);
      if (measuresAgreement) storeLabels(pseudoLabel);
      return pseudoLabel;
    },
    agreement(teacher, batch) {
      const previous = previousLabels;
      if (previous === null) {
        throw new RangeError(
          "Cannot measure the agreement of pseudo-labels: no earlier ones were stored",
        );
      }
      const pseudoLabel = predict(teacher, batch);
      previousLabels = null;
      const share = labelAgreement(previous, storeLabels(pseudoLabel));
      previous.dispose();
      if (cached !== null) releasePseudoLabel(cached);
      cached = pseudoLabel;
      return share;
    },
    clearCache() {
      previousLabels?.dispose();
      if (cached !== null) releasePseudoLabel(cached);
      previousLabels = null;
      cached = null;
    },
  };
}

/** What the semi-supervised objectives have in common. */
export interface SemiSupervisedOptions {
  readonly network: Network;
  /** Keys the draws of dropout, with the number of the pass. */
  readonly seed: number;
  /** The loss of labeled pixels, C. */
  readonly criterion: Criterion;
  /**
   * Whether the padding of images, which is 0 in every channel, gets no pseudo-label. No
   * other pixel is 0 under a mean that no 8-bit color has, such as that of ImageNet.
   */
  readonly ignorePadding: boolean;
  /** Whether the depth of a look-ahead depends on the pseudo-labels. */
  readonly measuresAgreement: boolean;
  /**
   * The term of masked images.
   * @default {null}
   */
  readonly masked?: MaskedConsistency | null;
  /** Called in every pass. */
  readonly onStep?: (inputs: StepInputs) => void;
}

/** The arguments of a forward and backward pass with pseudo-labels. */
export interface PseudoLabelInputs {
  readonly student: Weights;
  readonly teacher: Weights;
  readonly batch: Batch;
  readonly pseudoLabel: PseudoLabel;
  readonly forwardIndex: number;
}

/**
 * An objective with the pseudo-labels of a teacher.
 *
 * @param confidenceThreshold A pixel is confident if its probability is at least this.
 * @param copiesBuffers Whether the teacher has the student's running statistics; else it
 * updates its own.
 */
export function pseudoLabelObjective(
  options: SemiSupervisedOptions,
  confidenceThreshold: number,
  copiesBuffers: boolean,
  forwardBackward: (inputs: PseudoLabelInputs) => LossesAndGradient,
): Objective {
  const { network } = options;
  const labeler = createPseudoLabeler(network, { ...options, confidenceThreshold });
  const prepareTeacher = (student: Weights, maybeTeacher: Weights | null): Weights => {
    const teacher = requireTeacher(maybeTeacher);
    if (copiesBuffers) copyBuffers(network.parameters, teacher, student);
    return teacher;
  };
  return {
    clearCache: labeler.clearCache,
    pseudoLabelAgreement: (student, teacher, batch) =>
      labeler.agreement(prepareTeacher(student, teacher), batch),
    forwardBackward(student, maybeTeacher, batch, forwardIndex) {
      const teacher = prepareTeacher(student, maybeTeacher);
      const pseudoLabel = labeler.label(teacher, batch);
      const inputs = { student, teacher, batch, pseudoLabel, forwardIndex };
      const result = forwardBackward(inputs);
      releasePseudoLabel(pseudoLabel);
      return result;
    },
  };
}

/** The logits of the first images of a batch, which are the labeled ones. */
export function labeledOutput(
  { logits, auxiliaryLogits }: DecoderOutput,
  count: number,
): DecoderOutput {
  return {
    logits: sliceBatch(logits, 0, count),
    auxiliaryLogits: auxiliaryLogits.map((auxiliary) => ({
      ...auxiliary,
      logits: sliceBatch(auxiliary.logits, 0, count),
    })),
  };
}

/** Pseudo-labels of a teacher in evaluation: with running statistics, without dropout. */
export function createPseudoLabeler(
  network: Network,
  { ignorePadding, ...options }:
    & AgreementOptions
    & Pick<SemiSupervisedOptions, "ignorePadding">,
): PseudoLabeler {
  const { confidenceThreshold: threshold } = options;
  const labelOptions = { threshold, ignoreTop: 0, ignoreBottom: 0 };
  const predict: PredictPseudoLabel = (teacher, batch) =>
    tf.tidy(() => {
      const images = unlabeledImages(batch);
      const [, H, W] = images.shape;
      const { logits } = network.forward(teacher, images, EVAL_CONTEXT);
      const { decoder } = network;
      const pseudoLabel = computePseudoLabel(logits, [H, W], labelOptions, decoder);
      if (!ignorePadding) return { ...pseudoLabel };
      const inside = tf.greater(tf.max(tf.abs(images), -1), 0); // [B, H, W]
      return { ...pseudoLabel, labels: maskLabels(pseudoLabel.labels, inside) };
    });
  return comparingPseudoLabeler(predict, options);
}

/** The labels of confident pixels, 255 elsewhere; the caller owns them. */
export function maskLowConfidence(
  { labels, confidence }: PseudoLabel,
  confidenceThreshold: number,
): tf.Tensor {
  if (confidenceThreshold === 0) return tf.clone(labels);
  return tf.tidy(() =>
    maskLabels(labels, tf.greaterEqual(confidence, confidenceThreshold))
  );
}

/** Frees pseudo-labels. */
export function releasePseudoLabel(pseudoLabel: PseudoLabel): void {
  tf.dispose({ ...pseudoLabel });
}

/** The inputs of one forward and backward pass, for pictures; valid during the call only. */
export interface StepInputs {
  readonly batch: Batch;
  readonly pseudoLabel: PseudoLabel;
  readonly mixed: MixedBatch;
}

/** Calls `onStep`, if there is one, with a view whose labeled pixels have weight 1. */
export function reportStep(
  onStep: ((inputs: StepInputs) => void) | undefined,
  batch: Batch,
  pseudoLabel: PseudoLabel,
  view: LabeledImages,
): void {
  if (onStep === undefined) return;
  const pixelWeights = tf.tidy(() => tf.cast(isValid(view.labels), "float32"));
  onStep({ batch, pseudoLabel, mixed: { ...view, pixelWeights } });
  pixelWeights.dispose();
}
