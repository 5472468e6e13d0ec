/**
 * The loss evaluation of semi-supervised learning with a mean teacher.
 *
 *   E(θ, b, φ) = C(θ; x_l, y_l) + λ·U(θ; x_s, y_s without the unsure ones)
 *
 * The teacher labels the unlabelled images x_u as in evaluation; x_s, y_s is a perturbed
 * view of both. Student and teacher then see x_l and x_s in one batch, with joint
 * batch-norm statistics; by its entropy there the teacher tells which pixels are unsure.
 *
 * Source: U2PL, Wang et al. (CVPR 2022), https://arxiv.org/abs/2203.03884, without its
 * contrastive loss, as in the semi-supervised branch of FST.
 *
 * @module
 */
import type { LabelledImages } from "../augment/perturb.ts";
import type { Batch } from "../core/batch.ts";
import { EVALUATION, type Network, type Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { resizeLogits } from "../objectives/resize_logits.ts";
import { dropUncertain, unsupervisedLoss } from "../objectives/unsupervised_loss.ts";
import { countValid, isValid } from "../objectives/valid_cross_entropy.ts";
import { copyBuffers } from "../optim/average.ts";
import type { Seen } from "./domain_adaptation.ts";
import { type Criterion, labelledLoss, samplesOf } from "./labelled_loss.ts";
import type { Objective } from "./learner.ts";
import { slopeOf, studentPass } from "./student_pass.ts";
import { releaseOpinion, teacherOpinions } from "./teacher_opinion.ts";

/** Makes a perturbed view; the caller of it owns the result. */
export type Perturb = (
  input: LabelledImages,
  batch: Batch,
  evaluation: number,
) => LabelledImages;

/** The parts of the evaluation. */
export interface MeanTeacher {
  readonly network: Network;
  /** Keys dropout together with the evaluation's n. */
  readonly seed: number;
  /** C */
  readonly criterion: Criterion;
  readonly perturb: Perturb;
  /** The percentage of pseudo-labels that stays, asked anew in every evaluation. */
  readonly percent: () => number;
  /**
   * Whether the teacher is unsure as in training, or as in evaluation, with the student's
   * running statistics.
   */
  readonly filterTeacher: "train" | "eval";
  /** λ */
  readonly weight: number;
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
 * The losses are "supervised" and "unsupervised"; "kept" is the share of pixels whose
 * pseudo-label stays.
 */
export function meanTeacher(parts: MeanTeacher): Objective {
  const { network, seed, criterion, filterTeacher, weight } = parts;
  const { parameters, decoder } = network;
  const opinions = teacherOpinions(network, { ...parts, threshold: 0 });
  const inform = (student: Weights, teacher: Weights | null): Weights => {
    if (teacher === null) throw new RangeError("Cannot self-train without a teacher");
    // Nothing else would ever change its running statistics.
    if (filterTeacher === "eval") copyBuffers(parameters, teacher, student);
    return teacher;
  };

  return {
    forget: opinions.forget,
    agreement: (student, teacher, batch) =>
      opinions.agreement(inform(student, teacher), batch),
    evaluate(student, given, batch, evaluation) {
      const teacher = inform(student, given);
      const opinion = opinions.label(teacher, batch);
      const { source, target } = batch;
      const unlabelled = target?.images ?? source.images; // the opinion is about a target
      const input = { images: unlabelled, labels: opinion.labels };
      const view = parts.perturb(input, batch, evaluation);
      const images = tf.concat([source.images, view.images], 0);
      const [B, H, W] = source.labels.shape;

      const sure = tf.tidy(() => {
        const pass = filterTeacher === "eval"
          ? EVALUATION
          : studentPass(seed, "filter", evaluation);
        const { logits } = network.forward(teacher, images, pass);
        const about = samplesOf(logits, B, B);
        return dropUncertain(
          view.labels,
          resizeLogits(about, [H, W], decoder),
          parts.percent(),
        );
      });
      const losses = new Map<string, tf.Scalar>();
      const gradient = slopeOf(network, student, () => {
        const pass = studentPass(seed, "both", evaluation);
        const seen = network.forward(student, images, pass);
        const told = labelledLoss(network, criterion, seen, source.labels);
        const guided = unsupervisedLoss(samplesOf(seen.logits, B, B), sure, decoder);
        losses.set("supervised", tf.keep(tf.clone(told)));
        losses.set("unsupervised", tf.keep(tf.clone(guided)));
        return tf.add(told, tf.mul(guided, weight));
      });
      losses.set("kept", tf.tidy(() => tf.div(countValid(sure), sure.size)) as tf.Scalar);
      if (parts.inspect !== undefined) {
        const weights = tf.tidy(() => tf.cast(isValid(sure), "float32"));
        const mixed = { images: view.images, labels: sure, weights };
        parts.inspect({ batch, opinion, mixed });
        weights.dispose();
      }
      releaseOpinion(opinion);
      tf.dispose([view.images, view.labels, images, sure]);
      return { losses, gradient };
    },
  };
}
