/**
 * The loss evaluation of weak-to-strong consistency.
 *
 *   E(θ, b, φ) = (C(θ; x_l, y_l) + λ_s·S + λ_f·H(θ; dropped)) / (1 + λ_s + λ_f)
 *   S = (H(θ; x_1) + H(θ; x_2)) / 2
 *
 * H is the cross entropy with the teacher's confident labels of the unlabelled images, the
 * mean over all pixels. It is asked of two strong views x_1, x_2, and of the images
 * themselves when the encoder's channels are dropped.
 *
 * Source: UniMatch, Yang et al. (CVPR 2023), https://arxiv.org/abs/2208.09910. Here the
 * teacher is a moving average of students, with the student's running statistics, where
 * the source lets the student label itself; labelled features are not dropped.
 *
 * @module
 */
import { dropFeatures } from "../augment/feature_dropout.ts";
import type { LabelledImages } from "../augment/perturb.ts";
import type { Batch } from "../core/batch.ts";
import type { Network, Pass, Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { meanCrossEntropy } from "../objectives/cross_entropy.ts";
import { isValid } from "../objectives/valid_cross_entropy.ts";
import { copyBuffers } from "../optim/average.ts";
import type { Seen } from "./domain_adaptation.ts";
import { type Criterion, labelledLoss, samplesOf } from "./labelled_loss.ts";
import type { Objective } from "./learner.ts";
import { addSlopes, slopeOf, studentPass } from "./student_pass.ts";
import { releaseOpinion, teacherOpinions, trusted } from "./teacher_opinion.ts";

/** Makes one of the strong views; the caller of it owns the result. */
export type StrongView = (
  input: LabelledImages,
  batch: Batch,
  evaluation: number,
  view: 0 | 1,
) => LabelledImages;

/** The parts of the evaluation. */
export interface WeakToStrong {
  readonly network: Network;
  /** Keys dropout together with the evaluation's n. */
  readonly seed: number;
  /** C */
  readonly criterion: Criterion;
  /** Pixels that are less probable have no label. */
  readonly threshold: number;
  readonly view: StrongView;
  /** λ_s */
  readonly strongWeight: number;
  /** λ_f; 0 leaves its pass out. */
  readonly featureWeight: number;
  /** Share of channels that are dropped. */
  readonly featureDropout: number;
  /** Whether the teacher labels no pixel around an image, see `teacherOpinions`. */
  readonly ignorePadding: boolean;
  /** Whether the depth of a look-ahead depends on the teacher's opinions. */
  readonly compared: boolean;
  /** Told about every evaluation. */
  readonly inspect?: (seen: Seen) => void;
}

/**
 * Builds the evaluation.
 *
 * The losses are "supervised", "strong" (the mean of both views) and "perturbed", as far
 * as they apply; "confident" is the share of confident pixels.
 */
export function weakToStrong(parts: WeakToStrong): Objective {
  const { network, seed, criterion, threshold, strongWeight, featureWeight } = parts;
  const { parameters, decoder } = network;
  const total = 1 + strongWeight + featureWeight;
  const opinions = teacherOpinions(network, parts);
  const inform = (student: Weights, teacher: Weights | null): Weights => {
    if (teacher === null) throw new RangeError("Cannot self-train without a teacher");
    // Nothing else would ever change its running statistics.
    copyBuffers(parameters, teacher, student);
    return teacher;
  };

  return {
    forget: opinions.forget,
    agreement: (student, teacher, batch) =>
      opinions.agreement(inform(student, teacher), batch),
    evaluate(student, given, batch, evaluation) {
      const opinion = opinions.label(inform(student, given), batch);
      const { source, target } = batch;
      const unlabelled = target?.images ?? source.images; // the opinion is about a target
      const labels = trusted(opinion, threshold);
      const losses = new Map<string, tf.Scalar>();
      const log = (name: string, loss: tf.Scalar): tf.Scalar => {
        losses.set(name, tf.keep(tf.clone(loss)));
        return loss;
      };

      const weak = slopeOf(network, student, () => {
        const pass = studentPass(seed, "weak", evaluation);
        const all = featureWeight === 0
          ? source.images
          : tf.concat([source.images, unlabelled], 0);
        const [B] = source.labels.shape;
        const maps = network.encoder.apply(student, all, pass);
        const key = { seed, iteration: evaluation };
        const dropped = featureWeight === 0
          ? maps
          : dropFeatures(maps, B, parts.featureDropout, key);
        const seen = decode(network, student, dropped, pass);
        const told = log(
          "supervised",
          labelledLoss(network, criterion, seen, source.labels),
        );
        if (featureWeight === 0) return tf.div(told, total);
        const about = samplesOf(seen.logits, B, B);
        const guided = log("perturbed", meanCrossEntropy(about, labels, null, decoder));
        return tf.div(tf.add(told, tf.mul(guided, featureWeight)), total);
      });

      const input = { images: unlabelled, labels };
      const [first, second] = ([0, 1] as const)
        .map((view) => parts.view(input, batch, evaluation, view)) as [
          LabelledImages,
          LabelledImages,
        ];
      const views = tf.tidy(() => ({
        images: tf.concat([first.images, second.images], 0),
        labels: tf.concat([first.labels, second.labels], 0),
      }));
      const strong = slopeOf(network, student, () => {
        const pass = studentPass(seed, "strong", evaluation);
        const { logits } = network.forward(student, views.images, pass);
        const loss = log("strong", meanCrossEntropy(logits, views.labels, null, decoder));
        return tf.mul(loss, strongWeight / total);
      });
      losses.set("confident", tf.clone(opinion.share) as tf.Scalar);
      if (parts.inspect !== undefined) {
        const weights = tf.tidy(() => tf.cast(isValid(first.labels), "float32"));
        parts.inspect({ batch, opinion, mixed: { ...first, weights } });
        weights.dispose();
      }
      releaseOpinion(opinion);
      for (const one of [first, second, views]) tf.dispose([one.images, one.labels]);
      labels.dispose();
      return { losses, gradient: addSlopes(weak, strong) };
    },
  };
}

// The second half of a pass in training.
function decode(
  { decoder, auxiliary }: Network,
  weights: Weights,
  maps: tf.Tensor4D[],
  pass: Pass,
): Pick<ReturnType<Network["forward"]>, "logits" | "sides"> {
  const { logits, sides } = decoder.applyWithSides?.(weights, maps, pass) ??
    { logits: decoder.apply(weights, maps, pass), sides: [] };
  const beside = auxiliary.map(({ decoder, lossWeight }) => ({
    logits: decoder.apply(weights, maps, pass),
    lossWeight,
  }));
  return { logits, sides: [...sides, ...beside] };
}
