/**
 * The objective of domain adaptation: labeled source images, and target images with a
 * teacher's pseudo-labels.
 *
 *   E(θ, b, φ) = C(θ; source) + λ·FD(θ; source) + CE(θ; mixed, pseudo-labels of φ, weights)
 *                [+ μ·M(θ; masked target), see `masked_consistency.ts`]
 *
 * Source and mixed images go through the student separately: batch-norm statistics are
 * per domain. The teacher runs with batch statistics of its own and without dropout.
 *
 * Source: DACS (WACV 2021), https://arxiv.org/abs/2007.08702, and DAFormer (CVPR 2022),
 * https://arxiv.org/abs/2111.14887.
 *
 * @module
 */
import type { MixedBatch } from "../augment/strong_augmentation.ts";
import { addGradients } from "../core/backward.ts";
import { type Batch, unlabeledImages } from "../core/batch.ts";
import type { ForwardContext, Network, NetworkOutput, Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { lossWithAuxiliary, meanCrossEntropy } from "../objectives/cross_entropy.ts";
import {
  computePseudoLabel,
  joinPseudoLabels,
  meanLogits,
  type PseudoLabel,
  type PseudoLabelOptions,
} from "../objectives/pseudo_label.ts";
import {
  accumulateGradient,
  type MicroBatch,
  sliceMicroBatch,
  splitMicroBatches,
} from "./gradient_accumulation.ts";
import { type Objective, recordLoss, requireTeacher, studentContext } from "./learner.ts";
import type { MaskedConsistency } from "./masked_consistency.ts";
import { comparingPseudoLabeler, type StepInputs } from "./pseudo_labeler.ts";
import { type SourceLoss, sourceLoss, type SourceLossOptions } from "./source_loss.ts";

/** Makes the mixed images of one forward pass; its caller owns the result. */
export type MixFunction = (
  batch: Batch,
  pseudoLabel: PseudoLabel,
  forwardIndex: number,
) => MixedBatch;

/** The parts of the objective. */
export interface DomainAdaptationOptions extends SourceLossOptions {
  /**
   * The source term, where it is none of this objective alone.
   * @default {made of these options}
   */
  readonly source?: SourceLoss;
  /** Null for source-only training, which uses no target images. */
  readonly target: {
    readonly pseudoLabel: PseudoLabelOptions & {
      /**
       * Whether the teacher's probabilities are the mean over the images and their mirror
       * images.
       * @default {false}
       */
      readonly flip?: boolean;
    };
    readonly mix: MixFunction;
    /**
     * Makes the mask of target pixels whose pseudo-labels count, 1 or 0; its caller owns it.
     * [B, H, W]
     * @default {all count}
     */
    readonly counted?: ((batch: Batch) => tf.Tensor) | null;
    /**
     * The term of masked target images, M.
     * @default {null}
     */
    readonly masked?: MaskedConsistency | null;
    /**
     * Whether the depth of a look-ahead depends on the pseudo-labels.
     * @default {false}
     */
    readonly measuresAgreement?: boolean;
  } | null;
  /** Called in every pass on target images. */
  readonly onStep?: (inputs: StepInputs) => void;
}

const WIDTH_AXIS = 2;

/** Batch statistics without dropout, as the published teacher runs. */
const TEACHER_CONTEXT: ForwardContext = { training: true, rngKey: null };

/**
 * Builds the objective.
 *
 * The losses are "source", with the terms of its criterion if they are a list,
 * "featureDistance", "mixed" and "masked", as far as they apply, and "confidentShare", the
 * share q of confident target pixels.
 */
export function domainAdaptation(options: DomainAdaptationOptions): Objective {
  const { network, seed, target, accumulationSteps = 1 } = options;
  const { source = sourceLoss(options) } = options;
  if (target === null) {
    const { clearCache } = source;
    return {
      clearCache,
      forwardBackward: (student, _teacher, batch, forwardIndex, cacheMode) =>
        source.forwardBackward(student, batch, forwardIndex, cacheMode),
    };
  }
  const labeler = comparingPseudoLabeler(
    (teacher, batch) => {
      const images = unlabeledImages(batch);
      const microBatches = splitMicroBatches(images.shape[0], accumulationSteps);
      const { pseudoLabel: options, counted } = target;
      return tf.tidy(() => {
        const found = pseudoLabelTarget(network, teacher, images, options, microBatches);
        if (!counted) return { ...found };
        const mask = tf.cast(counted(batch), "float32");
        return { ...found, pixelWeights: tf.mul(found.pixelWeights, mask) };
      });
    },
    {
      confidenceThreshold: target.pseudoLabel.threshold,
      measuresAgreement: target.measuresAgreement ?? false,
    },
  );
  return {
    clearCache() {
      source.clearCache();
      labeler.clearCache();
    },
    pseudoLabelAgreement: (_student, teacher, batch) =>
      labeler.agreement(requireTeacher(teacher), batch),
    forwardBackward(student, maybeTeacher, batch, forwardIndex, cacheMode) {
      const { losses, gradient } = source.forwardBackward(
        student,
        batch,
        forwardIndex,
        cacheMode,
      );
      const pseudoLabel = labeler.label(requireTeacher(maybeTeacher), batch);
      losses.set("confidentShare", pseudoLabel.confidentShare as tf.Scalar);
      const mixed = target.mix(batch, pseudoLabel, forwardIndex);
      const mixedGradient = accumulateGradient(
        network,
        student,
        mixed.images as tf.Tensor4D,
        accumulationSteps,
        (sampleOffset) => studentContext(seed, "mixed", forwardIndex, { sampleOffset }),
        weightedLoss(network, mixed),
        (part) => recordLoss(losses, "mixed", part),
      );
      options.onStep?.({ batch, pseudoLabel, mixed });
      tf.dispose([mixed.images, mixed.labels, mixed.pixelWeights]);
      const hostGradient = addGradients(gradient, mixedGradient);
      const maskedGradient = target.masked?.({
        ...{ student, batch, forwardIndex, losses },
        images: unlabeledImages(batch),
        meanOf: weightedLoss(network, pseudoLabel),
      }) ?? new Map();
      tf.dispose([pseudoLabel.labels, pseudoLabel.confidence, pseudoLabel.pixelWeights]);
      return { losses, gradient: addGradients(hostGradient, maskedGradient) };
    },
  };
}

/** The loss of a micro-batch of images whose pixels have labels and weights. */
function weightedLoss(
  network: Network,
  batch: Pick<PseudoLabel, "labels" | "pixelWeights">,
): (output: NetworkOutput, microBatch: MicroBatch) => tf.Scalar {
  return (output, microBatch) => {
    const labels = sliceMicroBatch(batch.labels, microBatch);
    const weights = sliceMicroBatch(batch.pixelWeights, microBatch);
    return lossWithAuxiliary(
      output,
      (logits, cropLabels) =>
        meanCrossEntropy(
          logits,
          cropLabels(labels),
          cropLabels(weights),
          network.decoder,
        ),
    );
  };
}

/**
 * A teacher's pseudo-labels of target images; the caller owns them.
 *
 * @param microBatches Of the images, one forward pass each; the share of confident pixels
 * is that of all images.
 */
function pseudoLabelTarget(
  network: Network,
  teacher: Weights,
  images: tf.Tensor4D,
  { flip = false, ...options }: PseudoLabelOptions & { readonly flip?: boolean },
  microBatches: readonly MicroBatch[],
): PseudoLabel {
  const [, H, W] = images.shape;
  const { decoder } = network;
  const logitsOf = (images: tf.Tensor4D): tf.Tensor4D =>
    tf.tidy(() => network.forward(teacher, images, TEACHER_CONTEXT).logits);
  const label = (images: tf.Tensor4D): PseudoLabel => {
    const logits = logitsOf(images);
    if (!flip) return computePseudoLabel(logits, [H, W], options, decoder);
    const mirrored = tf.reverse(logitsOf(tf.reverse(images, WIDTH_AXIS)), WIDTH_AXIS);
    const mean = meanLogits([logits, mirrored], [H, W], decoder);
    return computePseudoLabel(mean, [H, W], options);
  };
  return tf.tidy(() => {
    const parts = microBatches.map((microBatch) =>
      tf.tidy(() => ({ ...label(sliceMicroBatch(images, microBatch)) }))
    );
    const [only] = parts;
    return parts.length === 1 && only ? only : { ...joinPseudoLabels(parts, options) };
  });
}
