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
import { gradientOf } from "../core/gradient.ts";
import { type Network, type Pass, type Weights } from "../core/network.ts";
import { streamOf } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { meanCrossEntropy } from "../objectives/cross_entropy.ts";
import {
  type PseudoLabel,
  pseudoLabel,
  type PseudoLabelOptions,
} from "../objectives/pseudo_label.ts";
import type { Evaluate, Evaluation } from "./learner.ts";

/** What makes the mixed images of one evaluation; the caller of it owns the result. */
export type Mix = (
  batch: Batch,
  opinion: PseudoLabel,
  evaluation: number,
) => MixedTensors;

/**
 * The loss that keeps features near those of a frozen network: looks at the batch first,
 * off the tape, and then judges the student's features.
 */
export type Anchor = (batch: Batch) => (features: readonly tf.Tensor4D[]) => tf.Scalar;

/** What one evaluation went through, for pictures; valid only during the call. */
export interface Seen {
  readonly batch: Batch;
  readonly opinion: PseudoLabel;
  readonly mixed: MixedTensors;
}

/** The parts of an evaluation. */
export interface DomainAdaptation {
  readonly network: Network;
  /** Keys dropout together with the number of the evaluation. */
  readonly seed: number;
  /** Null for source-only training, which never looks at the target. */
  readonly target: {
    readonly pseudoLabel: PseudoLabelOptions;
    readonly mix: Mix;
  } | null;
  readonly anchor: Anchor | null;
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
export function domainAdaptation(parts: DomainAdaptation): Evaluate {
  const { network, anchor, target } = parts;
  const { parameters } = network;

  return (student, teacher, batch, evaluation) => {
    const losses = new Map<string, tf.Scalar>();
    const source = keepGradient(() => {
      const distanceOf = anchor?.(batch);
      const { value, gradient } = gradientOf(parameters, student, () => {
        const pass = studentPass(parts.seed, "source", evaluation);
        const seen = network.forward(student, batch.source.images, pass);
        const loss = supervise(network, seen, batch.source.labels, null);
        losses.set("source", tf.keep(tf.clone(loss)));
        if (distanceOf === undefined) return loss;
        const distance = distanceOf(seen.features);
        losses.set("featureDistance", tf.keep(tf.clone(distance)));
        return tf.add(loss, distance);
      });
      value.dispose();
      return gradient;
    });
    if (target === null) return { gradient: source, losses };
    if (teacher === null || batch.target === null) {
      throw new RangeError(
        "Cannot self-train: a teacher and target images are needed; give the run a target",
      );
    }

    const opinion = labelTarget(
      network,
      teacher,
      batch.target.images,
      target.pseudoLabel,
    );
    losses.set("confident", opinion.share as tf.Scalar);
    const mixed = target.mix(batch, opinion, evaluation);
    const mixedGradient = keepGradient(() => {
      const { value, gradient } = gradientOf(parameters, student, () => {
        const pass = studentPass(parts.seed, "mixed", evaluation);
        const seen = network.forward(student, mixed.images as tf.Tensor4D, pass);
        return supervise(network, seen, mixed.labels, mixed.weights);
      });
      losses.set("mixed", tf.keep(value));
      return gradient;
    });
    parts.inspect?.({ batch, opinion, mixed });
    tf.dispose([opinion.labels, opinion.confidence, opinion.weights]);
    tf.dispose([mixed.images, mixed.labels, mixed.weights]);
    return { gradient: sum(source, mixedGradient), losses };
  };
}

/** A teacher's pseudo-labels for target images; the caller owns them. */
export function labelTarget(
  network: Network,
  teacher: Weights,
  images: tf.Tensor4D,
  options: PseudoLabelOptions,
): PseudoLabel {
  return tf.tidy(() => {
    const { logits } = network.forward(teacher, images, TEACHER);
    const [, H, W] = images.shape;
    return { ...pseudoLabel(logits, [H, W], options, network.decoder) };
  });
}

// The loss of the prediction and, by their weights, of side branches, all told the same.
function supervise(
  { decoder }: Network,
  { logits, sides }: ReturnType<Network["forward"]>,
  labels: tf.Tensor,
  weights: tf.Tensor | null,
): tf.Scalar {
  const lossOf = (some: tf.Tensor4D) => meanCrossEntropy(some, labels, weights, decoder);
  return sides.reduce<tf.Scalar>(
    (loss, side) => tf.add(loss, tf.mul(lossOf(side.logits), side.lossWeight)),
    lossOf(logits),
  );
}

function studentPass(seed: number, domain: string, evaluation: number): Pass {
  const chance = { seed, stream: streamOf(`dropout/${domain}`), iteration: evaluation };
  return { training: true, chance };
}

// Everything but the gradient is freed.
function keepGradient(compute: () => Weights): Weights {
  let gradient: Weights = new Map();
  tf.tidy(() => {
    gradient = compute();
    for (const slope of gradient.values()) tf.keep(slope);
  });
  return gradient;
}

// Adds b into a; both are used up.
function sum(a: Evaluation["gradient"], b: Evaluation["gradient"]): Weights {
  const total = new Map<string, tf.Tensor>();
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    const [x, y] = [a.get(name), b.get(name)];
    const both = x && y ? tf.add(x, y) : x ?? y;
    if (both === undefined) continue;
    total.set(name, both);
    if (x && y) tf.dispose([x, y]);
  }
  return total;
}
