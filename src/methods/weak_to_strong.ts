/**
 * The objective of weak-to-strong consistency.
 *
 *   E(θ, b, φ) = (C(θ; x_l, y_l) + λ_s·S + λ_f·H(θ; dropped)) / (1 + λ_s + λ_f)
 *                [+ μ·H(θ; masked), see `masked_consistency.ts`]
 *   S = (H(θ; x_1) + H(θ; x_2)) / 2
 *
 * H is the cross entropy with the teacher's confident pseudo-labels of the unlabeled
 * images, the mean over all pixels. It is computed for two strong views x_1, x_2, and for
 * the images themselves with channels of the encoder dropped.
 *
 * Source: UniMatch, Yang et al. (CVPR 2023), https://arxiv.org/abs/2208.09910. Here the
 * teacher is a moving average of students, with the student's running statistics, where
 * the student of the source labels for itself; labeled features are not dropped.
 *
 * @module
 */
import type { LabeledImages } from "../augment/perturbation.ts";
import { featureDropout } from "../augment/strong_view.ts";
import { addGradients, computeGradient } from "../core/backward.ts";
import { type Batch, sliceBatch, unlabeledImages } from "../core/batch.ts";
import * as tf from "../core/tf.ts";
import { criterionLoss } from "../objectives/criterion.ts";
import { meanCrossEntropy } from "../objectives/cross_entropy.ts";
import {
  type LossesAndGradient,
  type Objective,
  recordLoss,
  studentContext,
} from "./learner.ts";
import {
  labeledOutput,
  maskLowConfidence,
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

/** The parts of the objective. */
export interface WeakToStrongOptions extends SemiSupervisedOptions {
  /** Pixels that are less probable have no pseudo-label. */
  readonly confidenceThreshold: number;
  readonly strongView: StrongViewFunction;
  /** λ_s */
  readonly strongWeight: number;
  /** λ_f; 0 leaves its forward pass out. */
  readonly featurePerturbationWeight: number;
  /** Share of channels that are dropped. */
  readonly featureDropout: number;
}

/**
 * Builds the objective.
 *
 * The losses are "supervised", with the terms of the criterion if they are a list, "strong"
 * (the mean of both views), "featureDropout" and "masked", as far as they apply;
 * "confidentShare" is the share of confident pixels.
 */
export function weakToStrong(options: WeakToStrongOptions): Objective {
  const { network, seed, criterion, strongView, strongWeight } = options;
  const { confidenceThreshold, featurePerturbationWeight: featureWeight } = options;
  const { parameters, decoder } = network;
  const weightSum = 1 + strongWeight + featureWeight;

  const forwardBackward = (
    { student, batch, pseudoLabel, forwardIndex }: PseudoLabelInputs,
  ): LossesAndGradient => {
    const labels = maskLowConfidence(pseudoLabel, confidenceThreshold);
    const unlabeled = unlabeledImages(batch);
    const { source } = batch;
    const [B] = source.labels.shape;
    const losses = new Map<string, tf.Scalar>();

    const weakGradient = computeGradient(parameters, student, () => {
      const context = studentContext(seed, "weak", forwardIndex);
      const images = featureWeight === 0
        ? source.images
        : tf.concat([source.images, unlabeled], 0);
      const maps = network.encoder.apply(student, images, context);
      const key = { seed, iteration: forwardIndex };
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
      const feature = meanCrossEntropy(droppedLogits, labels, null, decoder);
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
      const context = studentContext(seed, "strong", forwardIndex);
      const { logits } = network.forward(student, views.images, context);
      const strong = meanCrossEntropy(logits, views.labels, null, decoder);
      return tf.mul(recordLoss(losses, "strong", strong), strongWeight / weightSum);
    });
    losses.set("confidentShare", tf.clone(pseudoLabel.confidentShare) as tf.Scalar);
    reportStep(options.onStep, batch, pseudoLabel, first);
    for (const view of [first, second, views]) tf.dispose([view.images, view.labels]);
    const hostGradient = addGradients(weakGradient, strongGradient);
    const maskedGradient = options.masked?.({
      ...{ student, batch, forwardIndex, losses },
      images: unlabeled,
      meanOf: ({ logits }) => meanCrossEntropy(logits, labels, null, decoder),
    }) ?? new Map();
    labels.dispose();
    return { losses, gradient: addGradients(hostGradient, maskedGradient) };
  };
  return pseudoLabelObjective(options, confidenceThreshold, true, forwardBackward);
}
