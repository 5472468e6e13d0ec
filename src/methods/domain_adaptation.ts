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
import { hostInput, uploadHostInput } from "../core/host_input.ts";
import type { ForwardContext, Network, NetworkOutput, Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { lossWithAuxiliary, meanCrossEntropy } from "../objectives/cross_entropy.ts";
import {
  computePseudoLabel,
  insideMargins,
  type Margins,
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
import { sourceLoss, type SourceLossOptions } from "./source_loss.ts";

/** Makes the mixed images of one forward pass; its caller owns the result. */
export type MixFunction = (
  batch: Batch,
  pseudoLabel: PseudoLabel,
  forwardIndex: number,
) => MixedBatch;

/** The parts of the objective. */
export interface DomainAdaptationOptions extends SourceLossOptions {
  /** Null for source-only training, which uses no target images. */
  readonly target: {
    readonly pseudoLabel: PseudoLabelOptions & {
      /**
       * Edges of the target images without weight; null for none.
       * @default {null}
       */
      readonly margins?: Margins | null;
    };
    readonly mix: MixFunction;
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
  const source = sourceLoss(options);
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
      const { pseudoLabel } = target;
      const { margins = null } = pseudoLabel;
      const labeled = pseudoLabelTarget(
        network,
        teacher,
        images,
        pseudoLabel,
        microBatches,
      );
      return margins === null ? labeled : withoutMargins(labeled, batch, margins);
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
        (start) => studentContext(seed, "mixed", forwardIndex, start),
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

/** Pseudo-labels without weight in the margins of the images; takes their place. */
function withoutMargins(
  labeled: PseudoLabel,
  { host }: Batch,
  margins: Margins,
): PseudoLabel {
  const { pixelWeights } = labeled;
  const shape = pixelWeights.shape as [number, number, number];
  const weighted = tf.tidy(() => {
    const inside = hostInput(
      { host },
      ({ host }) =>
        insideMargins({ ...host, placements: host.target?.placements }, margins),
    );
    return tf.mul(pixelWeights, uploadHostInput<tf.Rank.R3>(inside, shape));
  });
  pixelWeights.dispose();
  return { ...labeled, pixelWeights: weighted };
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
  options: PseudoLabelOptions,
  microBatches: readonly MicroBatch[],
): PseudoLabel {
  return tf.tidy(() => {
    const logits = microBatches.map((microBatch) =>
      tf.tidy(() =>
        network.forward(teacher, sliceMicroBatch(images, microBatch), TEACHER_CONTEXT)
          .logits
      )
    );
    const [first] = logits;
    const allLogits = logits.length === 1 && first ? first : tf.concat(logits, 0);
    const [, H, W] = images.shape;
    return { ...computePseudoLabel(allLogits, [H, W], options, network.decoder) };
  });
}
