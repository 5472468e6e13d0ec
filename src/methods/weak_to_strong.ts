/**
 * The objective of weak-to-strong consistency.
 *
 *   E(θ, b, φ) = (C(θ; x_l, y_l) + λ_s·S + λ_f·H(θ; dropped)) / (1 + λ_s + λ_f)
 *                [+ μ·H(θ; masked), see `masked_consistency.ts`]
 *   S = (H(θ; x_1) + H(θ; x_2)) / 2
 *
 * H is the cross entropy with the teacher's confident pseudo-labels of the unlabeled
 * images, the mean over all pixels, or over those that are no padding. It is computed for
 * two strong views x_1, x_2, and for the images themselves with channels of the encoder
 * dropped.
 *
 * Source: UniMatch, Yang et al. (CVPR 2023), https://arxiv.org/abs/2208.09910. Here the
 * teacher is a moving average of students, where the student of the source labels for
 * itself; labeled features are not dropped.
 *
 * UniMatch V2, Yang et al. (2024), https://arxiv.org/abs/2410.10777, is the same with
 * λ_s = 1, λ_f = 0, such a teacher, whose running statistics are averages, too, and
 * complementary dropout between the encoder and the decoder of the strong views.
 *
 * @module
 */
import { complementaryDropout } from "../augment/complementary_dropout.ts";
import type { LabeledImages } from "../augment/perturbation.ts";
import { featureDropout } from "../augment/strong_view.ts";
import { addGradients, computeGradient } from "../core/backward.ts";
import { type Batch, sliceBatch, unlabeledImages } from "../core/batch.ts";
import type { MaybeHostInput } from "../core/host_input.ts";
import { partStart } from "../core/ranks.ts";
import * as tf from "../core/tf.ts";
import { criterionLoss } from "../objectives/criterion.ts";
import {
  isValid,
  maskLabels,
  meanCrossEntropy,
  validDivisor,
} from "../objectives/cross_entropy.ts";
import type { PseudoLabel } from "../objectives/pseudo_label.ts";
import {
  type LossesAndGradient,
  type Objective,
  recordLoss,
  studentContext,
} from "./learner.ts";
import {
  labeledOutput,
  type PseudoLabelInputs,
  pseudoLabelObjective,
  reportStep,
  type SemiSupervisedOptions,
} from "./pseudo_labeler.ts";

/** Makes one of the strong views; its caller owns the result. */
export type StrongViewFunction = (
  input: LabeledImages,
  batch: Batch,
  forwardIndex: number,
  view: 0 | 1,
) => LabeledImages;

/** The factors of the features' channels, see `drawComplementaryDropout`. */
export type ChannelFactorsFunction = (
  batch: Batch,
  forwardIndex: number,
) => MaybeHostInput<Float32Array<ArrayBuffer>>;

/** The parts of the objective. */
export interface WeakToStrongOptions extends SemiSupervisedOptions {
  /** Pixels that are less probable have no pseudo-label. */
  readonly confidenceThreshold: number;
  /** Whether H divides by the number of all pixels, or of those that are no padding. */
  readonly pseudoLabelAverage: "all" | "valid";
  /** Whether the teacher has the student's running statistics, or has its own. */
  readonly copiesBuffers: boolean;
  readonly strongView: StrongViewFunction;
  /** λ_s */
  readonly strongWeight: number;
  /** Of the complementary dropout of the strong views; null: none. */
  readonly channelFactors: ChannelFactorsFunction | null;
  /** λ_f; 0 leaves its forward pass out. */
  readonly featurePerturbationWeight: number;
  /** Share of channels that are dropped. */
  readonly featureDropout: number;
}

// The label of a pixel that is no padding and has no confident one.
const UNCERTAIN = -1;

/**
 * Builds the objective.
 *
 * The losses are "supervised", with the terms of the criterion if they are a list, "strong"
 * (the mean of both views), "featureDropout" and "masked", as far as they apply;
 * "confidentShare" is the share of confident pixels.
 */
export function weakToStrong(options: WeakToStrongOptions): Objective {
  const { network, seed, criterion, strongView, strongWeight, channelFactors } = options;
  const { confidenceThreshold, featurePerturbationWeight: featureWeight } = options;
  const dividesByValid = options.pseudoLabelAverage === "valid";
  const { parameters, decoder } = network;
  const weightSum = 1 + strongWeight + featureWeight;

  // H, of labels of which some are uncertain.
  const pseudoLabelLoss = (logits: tf.Tensor, labels: tf.Tensor): tf.Scalar => {
    const mean = meanCrossEntropy(logits, confidentLabels(labels), null, decoder);
    if (!dividesByValid) return mean;
    return tf.mul(mean, tf.div(labels.size, validDivisor(labels)));
  };
  const forwardBackward = (
    { student, batch, pseudoLabel, forwardIndex }: PseudoLabelInputs,
  ): LossesAndGradient => {
    const labels = markUncertain(pseudoLabel, confidenceThreshold);
    const unlabeled = unlabeledImages(batch);
    const { source } = batch;
    const [B] = source.labels.shape;
    const losses = new Map<string, tf.Scalar>();

    const sampleOffset = partStart(B);
    const weakGradient = computeGradient(parameters, student, () => {
      const context = studentContext(seed, "weak", forwardIndex, {
        sampleOffset,
        joinedBatches: featureWeight === 0 ? 1 : 2,
      });
      const images = featureWeight === 0
        ? source.images
        : tf.concat([source.images, unlabeled], 0);
      const maps = network.encoder.apply(student, images, context);
      const key = { seed, iteration: forwardIndex, sampleOffset };
      const features = featureWeight === 0
        ? maps
        : featureDropout(maps, B, options.featureDropout, key);
      const output = network.decode(student, features, context);
      const supervised = criterionLoss(
        criterion,
        labeledOutput(output, B),
        source,
        decoder,
        (name, loss) => recordLoss(losses, name, loss),
      );
      recordLoss(losses, "supervised", supervised);
      if (featureWeight === 0) return tf.div(supervised, weightSum);
      const droppedLogits = sliceBatch(output.logits, B, B);
      const feature = pseudoLabelLoss(droppedLogits, labels);
      recordLoss(losses, "featureDropout", feature);
      return tf.div(tf.add(supervised, tf.mul(feature, featureWeight)), weightSum);
    });

    const input = { images: unlabeled, labels };
    const first = strongView(input, batch, forwardIndex, 0);
    const second = strongView(input, batch, forwardIndex, 1);
    const views = {
      images: tf.concat([first.images, second.images], 0),
      labels: tf.concat([first.labels, second.labels], 0),
    };
    const strongGradient = computeGradient(parameters, student, () => {
      const both = { sampleOffset, joinedBatches: 2 };
      const context = studentContext(seed, "strong", forwardIndex, both);
      const maps = network.encoder.apply(student, views.images, context);
      const features = channelFactors === null
        ? maps
        : complementaryDropout(maps, channelFactors(batch, forwardIndex));
      const { logits } = network.decode(student, features, context);
      const strong = dividesByValid
        ? tf.div<tf.Scalar>(
          tf.add(
            pseudoLabelLoss(sliceBatch(logits, 0, B), first.labels),
            pseudoLabelLoss(sliceBatch(logits, B, B), second.labels),
          ),
          2,
        )
        : pseudoLabelLoss(logits, views.labels);
      return tf.mul(recordLoss(losses, "strong", strong), strongWeight / weightSum);
    });
    losses.set("confidentShare", tf.clone(pseudoLabel.confidentShare) as tf.Scalar);
    const shown = { ...first, labels: confidentLabels(first.labels) };
    reportStep(options.onStep, batch, pseudoLabel, shown);
    shown.labels.dispose();
    for (const view of [first, second, views]) tf.dispose([view.images, view.labels]);
    const hostGradient = addGradients(weakGradient, strongGradient);
    const maskedGradient = options.masked?.({
      ...{ student, batch, forwardIndex, losses },
      images: unlabeled,
      meanOf: ({ logits }) => pseudoLabelLoss(logits, labels),
    }) ?? new Map();
    labels.dispose();
    return { losses, gradient: addGradients(hostGradient, maskedGradient) };
  };
  const { copiesBuffers } = options;
  return pseudoLabelObjective(
    options,
    confidenceThreshold,
    copiesBuffers,
    forwardBackward,
  );
}

// Padding stays 255.
function markUncertain(
  { labels, confidence }: PseudoLabel,
  confidenceThreshold: number,
): tf.Tensor {
  return tf.tidy(() => {
    const isCertain = tf.logicalOr(
      tf.greaterEqual(confidence, confidenceThreshold),
      tf.logicalNot(isValid(labels)),
    );
    return tf.where(isCertain, labels, tf.scalar(UNCERTAIN, "int32"));
  });
}

/** 255 for uncertain pixels; the caller owns the result. */
function confidentLabels(labels: tf.Tensor): tf.Tensor {
  return tf.tidy(() =>
    maskLabels(labels, tf.greaterEqual(labels, tf.scalar(0, "int32")))
  );
}
