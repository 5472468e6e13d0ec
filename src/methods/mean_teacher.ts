/**
 * The objective of semi-supervised learning with a mean teacher.
 *
 *   E(θ, b, φ) = C(θ; x_l, y_l) + λ·U(θ; x_s, confident y_s) [+ κ·L(θ; x_l, x_s)]
 *                [+ μ·U(θ; masked x_s, confident y_s), see `masked_consistency.ts`]
 *
 * The teacher labels the unlabeled images x_u as in evaluation; x_s, y_s is a perturbed
 * view of both. Student and teacher then get x_l and x_s in one batch, with joint
 * batch-norm statistics; the entropy of the teacher there decides which pixels are
 * confident. Optionally the uncertain ones are used as well, as negatives of a pixel
 * contrast, L.
 *
 * Source: U2PL, Wang et al. (CVPR 2022), https://arxiv.org/abs/2203.03884, as in the
 * semi-supervised branch of FST, which runs it without the contrast.
 *
 * @module
 */
import type { LabeledImages } from "../augment/perturbation.ts";
import { addGradients, computeGradient } from "../core/backward.ts";
import { type Batch, sliceBatch, unlabeledImages } from "../core/batch.ts";
import { EVAL_CONTEXT, type Network, type NetworkOutput } from "../core/network.ts";
import { partStart } from "../core/ranks.ts";
import * as tf from "../core/tf.ts";
import type { ContrastMemory } from "../objectives/contrast_memory.ts";
import { criterionLoss } from "../objectives/criterion.ts";
import { countValid, resizeLogits } from "../objectives/cross_entropy.ts";
import {
  contrastLoss,
  type PixelContrastOptions,
  sampleContrast,
} from "../objectives/pixel_contrast.ts";
import {
  filterByEntropy,
  maskedEntropy,
  unsupervisedLoss,
} from "../objectives/unsupervised_loss.ts";
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

/** Makes a perturbed view; its caller owns the result. */
export type PerturbFunction = (
  input: LabeledImages,
  batch: Batch,
  forwardIndex: number,
) => LabeledImages;

/** The pixel contrast, L. */
export interface ContrastTerm extends PixelContrastOptions {
  /** κ */
  readonly lossWeight: number;
  /** Stages what a pass would store; changed by the objective's `commitLossState`. */
  readonly memory: ContrastMemory;
  /** α / 100 and m of a pass; the caller owns it. [2] */
  readonly schedule: (batch: Batch, forwardIndex: number) => tf.Tensor;
}

/** The parts of the objective. */
export interface MeanTeacherOptions extends SemiSupervisedOptions {
  readonly perturb: PerturbFunction;
  /**
   * The percentage of pseudo-labels that a pass keeps; or the fraction, a tensor that the
   * caller owns. [1]
   */
  readonly keptPercent: (batch: Batch, forwardIndex: number) => number | tf.Tensor;
  /**
   * Whether the teacher's entropy is that of a pass in training, or of one in evaluation
   * with the student's running statistics.
   */
  readonly filterMode: "train" | "eval";
  /** λ */
  readonly unsupervisedWeight: number;
  /**
   * Needs a network with a pixel representation.
   *
   * @default {null}
   */
  readonly contrast?: ContrastTerm | null;
}

/**
 * Builds the objective.
 *
 * The losses are "supervised", with the terms of the criterion if they are a list,
 * "unsupervised" and, with a contrast, "contrast", L, and with masked images "masked";
 * "keptShare" is the share of pixels whose pseudo-label is kept.
 *
 * @throws {TypeError} If there is a contrast, and the network has no pixel representation.
 */
export function meanTeacher(options: MeanTeacherOptions): Objective {
  const { network, seed, criterion, filterMode, unsupervisedWeight, contrast = null } =
    options;
  const { parameters, decoder } = network;
  const forward: ForwardFunction = contrast === null
    ? network.forward.bind(network)
    : forwardWithRepresentation(network);

  /** The labels of confident pixels and, with a contrast, what it compares. */
  const filterPseudoLabels = (
    { teacher, batch, forwardIndex }: PseudoLabelInputs,
    images: tf.Tensor4D,
    view: LabeledImages,
  ) =>
    tf.tidy(() => {
      const [B, H, W] = batch.source.labels.shape;
      const both = { sampleOffset: partStart(B), joinedBatches: 2 };
      const context = filterMode === "eval"
        ? EVAL_CONTEXT
        : studentContext(seed, "filter", forwardIndex, both);
      const { logits, representation } = forward(teacher, images, context);
      const viewLogits = resizeLogits(sliceBatch(logits, B, B), [H, W], decoder);
      const entropy = maskedEntropy(view.labels, viewLogits);
      const keptPercent = options.keptPercent(batch, forwardIndex);
      const confidentLabels = filterByEntropy(view.labels, entropy, keptPercent);
      if (!contrast || !representation) return { confidentLabels, samples: undefined };
      const inputs = {
        ...{ logits, representation, entropy },
        labels: tf.concat([batch.source.labels, view.labels], 0),
        schedule: contrast.schedule(batch, forwardIndex),
      };
      const key = { seed, forwardIndex };
      const samples = sampleContrast(inputs, B, contrast.memory, contrast, key);
      return { confidentLabels, samples: { ...samples } };
    });

  const forwardBackward = (inputs: PseudoLabelInputs): LossesAndGradient => {
    const { student, batch, pseudoLabel, forwardIndex } = inputs;
    const input = { images: unlabeledImages(batch), labels: pseudoLabel.labels };
    const view = options.perturb(input, batch, forwardIndex);
    const { source } = batch;
    const [B] = source.labels.shape;
    const images = tf.concat([source.images, view.images], 0);
    const { confidentLabels, samples } = filterPseudoLabels(inputs, images, view);
    const losses = new Map<string, tf.Scalar>();
    const gradient = computeGradient(parameters, student, () => {
      const both = { sampleOffset: partStart(B), joinedBatches: 2 };
      const context = studentContext(seed, "both", forwardIndex, both);
      const output = forward(student, images, context);
      const supervised = criterionLoss(
        criterion,
        labeledOutput(output, B),
        source,
        decoder,
        (name, loss) => recordLoss(losses, name, loss),
      );
      const viewLogits = sliceBatch(output.logits, B, B);
      const unsupervised = unsupervisedLoss(viewLogits, confidentLabels, decoder);
      recordLoss(losses, "supervised", supervised);
      recordLoss(losses, "unsupervised", unsupervised);
      const loss: tf.Scalar = tf.add(
        supervised,
        tf.mul(unsupervised, unsupervisedWeight),
      );
      const { representation } = output;
      if (!contrast || !samples || !representation) return loss;
      const { memory, temperature, lossWeight } = contrast;
      const contrastTerm = contrastLoss(representation, samples, memory, temperature);
      recordLoss(losses, "contrast", contrastTerm);
      return tf.add(loss, tf.mul(contrastTerm, lossWeight));
    });
    const maskedGradient = options.masked?.({
      ...{ student, batch, forwardIndex, losses },
      images: view.images,
      meanOf: ({ logits }) => unsupervisedLoss(logits, confidentLabels, decoder),
    }) ?? new Map();
    const keptShare = tf.tidy(() =>
      tf.div<tf.Scalar>(countValid(confidentLabels), confidentLabels.size)
    );
    losses.set("keptShare", keptShare);
    const confidentView = { images: view.images, labels: confidentLabels };
    reportStep(options.onStep, batch, pseudoLabel, confidentView);
    tf.dispose([view.images, view.labels, images, confidentLabels]);
    if (samples !== undefined) tf.dispose(samples);
    return { losses, gradient: addGradients(gradient, maskedGradient) };
  };
  return {
    ...pseudoLabelObjective(options, 0, filterMode === "eval", forwardBackward),
    ...contrast && { commitLossState: contrast.memory.commit },
  };
}

type ForwardFunction = (
  ...args: Parameters<Network["forward"]>
) => NetworkOutput & { readonly representation?: tf.Tensor4D };

function forwardWithRepresentation(network: Network): ForwardFunction {
  const forward = network.forwardWithRepresentation;
  if (forward !== undefined) return forward.bind(network);
  throw new TypeError(
    "Cannot compute the pixel contrast: the network has no pixel representation; give its " +
      "decoder applyWithRepresentation(), or do without the contrast",
  );
}
