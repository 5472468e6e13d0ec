/**
 * The loss evaluation of domain adaptation: what a student is told by labelled source
 * images and by a teacher's opinion of unlabelled target images.
 *
 *   E(θ, b, φ) = CE(θ; source) + λ·FD(θ; source) + CE(θ; mixed, pseudo-labels of φ, weights)
 *
 * Source and mixed images go through the student separately: batch-norm statistics are
 * per domain. The teacher runs with batch statistics of its own and without dropout.
 *
 * Source: DACS (WACV 2021), https://arxiv.org/abs/2007.08702, and DAFormer (CVPR 2022),
 * https://arxiv.org/abs/2111.14887.
 *
 * @module
 */
import type { MixedTensors } from "../augment/strong.ts";
import type { Batch } from "../core/batch.ts";
import { type Network, type Pass, type Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import {
  type PseudoLabel,
  pseudoLabel,
  type PseudoLabelOptions,
} from "../objectives/pseudo_label.ts";
import type { Objective } from "./learner.ts";
import {
  cut,
  noteLoss,
  type Portion,
  portionsOf,
  shareOf,
  slopeOfPortions,
} from "./portions.ts";
import { sourceLoss, type SourceLossParts } from "./source_loss.ts";
import { addSlopes, studentPass, supervise } from "./student_pass.ts";

/** What makes the mixed images of one evaluation; the caller of it owns the result. */
export type Mix = (
  batch: Batch,
  opinion: PseudoLabel,
  evaluation: number,
) => MixedTensors;

/** What one evaluation went through, for pictures; valid only during the call. */
export interface Seen {
  readonly batch: Batch;
  readonly opinion: PseudoLabel;
  readonly mixed: MixedTensors;
}

/** The parts of an evaluation; its seed keys dropout together with the evaluation's n. */
export interface DomainAdaptation extends SourceLossParts {
  /** Null for source-only training, which never looks at the target. */
  readonly target: {
    readonly pseudoLabel: PseudoLabelOptions;
    readonly mix: Mix;
  } | null;
  /** Told about every evaluation that looks at the target. */
  readonly inspect?: (seen: Seen) => void;
}

/** Batch statistics without dropout, as the published teacher runs. */
const TEACHER: Pass = { training: true, chance: null };

/**
 * Builds the evaluation.
 *
 * The losses are "source", "featureDistance" and "mixed", as far as they apply, and
 * "confident", the share q of confident target pixels.
 */
export function domainAdaptation(parts: DomainAdaptation): Objective {
  const { network, target } = parts;
  const source = sourceLoss(parts);

  return {
    forget: source.forget,
    evaluate(student, teacher, batch, evaluation, turn) {
      const { losses, gradient } = source.evaluate(student, batch, evaluation, turn);
      if (target === null) return { losses, gradient };
      if (teacher === null || batch.target === null) {
        throw new RangeError(
          "Cannot self-train: a teacher and target images are needed; give the run a target",
        );
      }

      const { images } = batch.target;
      const portions = portionsOf(images.shape[0], parts.accumulate ?? 1);
      const opinion = labelTarget(network, teacher, images, target.pseudoLabel, portions);
      losses.set("confident", opinion.share as tf.Scalar);
      const mixed = target.mix(batch, opinion, evaluation);
      const mixedGradient = slopeOfPortions(network, student, portions, (portion) => {
        const own = (whole: tf.Tensor) => cut(whole, portion);
        const { first } = portion;
        const pass = studentPass(parts.seed, "mixed", evaluation, undefined, first);
        const seen = network.forward(student, own(mixed.images) as tf.Tensor4D, pass);
        const mean = supervise(network, seen, own(mixed.labels), own(mixed.weights));
        const loss = shareOf(mean, portion);
        noteLoss(losses, "mixed", loss);
        return loss;
      });
      parts.inspect?.({ batch, opinion, mixed });
      tf.dispose([opinion.labels, opinion.confidence, opinion.weights]);
      tf.dispose([mixed.images, mixed.labels, mixed.weights]);
      return { losses, gradient: addSlopes(gradient, mixedGradient) };
    },
  };
}

/**
 * A teacher's pseudo-labels for target images; the caller owns them.
 *
 * @param portions Of the images, one pass each; the share of sure pixels is of them all.
 */
export function labelTarget(
  network: Network,
  teacher: Weights,
  images: tf.Tensor4D,
  options: PseudoLabelOptions,
  portions: readonly Portion[] = portionsOf(images.shape[0], 1),
): PseudoLabel {
  return tf.tidy(() => {
    const parts = portions.map((portion) =>
      tf.tidy(() => network.forward(teacher, cut(images, portion), TEACHER).logits)
    );
    const [only] = parts;
    const logits = parts.length === 1 && only ? only : tf.concat(parts, 0);
    const [, H, W] = images.shape;
    return { ...pseudoLabel(logits, [H, W], options, network.decoder) };
  });
}
