/**
 * The loss evaluation of semi-supervised learning with a mean teacher.
 *
 *   E(θ, b, φ) = C(θ; x_l, y_l) + λ·U(θ; x_s, y_s without the unsure ones) [+ κ·L(θ; x_l, x_s)]
 *
 * The teacher labels the unlabelled images x_u as in evaluation; x_s, y_s is a perturbed
 * view of both. Student and teacher then see x_l and x_s in one batch, with joint
 * batch-norm statistics; by its entropy there the teacher tells which pixels are unsure.
 * On request the unsure ones learn too, as negatives of a contrast of pixels, L.
 *
 * Source: U2PL, Wang et al. (CVPR 2022), https://arxiv.org/abs/2203.03884, as in the
 * semi-supervised branch of FST, which runs it without the contrast.
 *
 * @module
 */
import type { LabelledImages } from "../augment/perturb.ts";
import type { Batch } from "../core/batch.ts";
import { EVALUATION, type Network, type Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import type { ContrastMemory } from "../objectives/contrast_memory.ts";
import {
  contrastLoss,
  type ContrastPlan,
  type PixelContrastOptions,
  planContrast,
} from "../objectives/pixel_contrast.ts";
import { resizeLogits } from "../objectives/resize_logits.ts";
import {
  keepSure,
  labelledEntropy,
  unsupervisedLoss,
} from "../objectives/unsupervised_loss.ts";
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

/** The contrast of pixels, L. */
export interface MeanTeacherContrast extends PixelContrastOptions {
  /** κ */
  readonly weight: number;
  /** Stages what an evaluation would store; changed by the objective's `remember`. */
  readonly memory: ContrastMemory;
  /** α / 100 and m of an evaluation; the caller owns it. [2] */
  readonly schedule: (batch: Batch, evaluation: number) => tf.Tensor;
}

/** The parts of the evaluation. */
export interface MeanTeacher {
  readonly network: Network;
  /** Keys dropout together with the evaluation's n. */
  readonly seed: number;
  /** C */
  readonly criterion: Criterion;
  readonly perturb: Perturb;
  /**
   * The percentage of pseudo-labels that stays in an evaluation; or the share of them, a
   * tensor that the caller owns. [1]
   */
  readonly percent: (batch: Batch, evaluation: number) => number | tf.Tensor;
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
  /**
   * Needs a network with a representation.
   *
   * @default {null}
   */
  readonly contrast?: MeanTeacherContrast | null;
  /** Told about every evaluation. */
  readonly inspect?: (seen: Seen) => void;
}

/**
 * Builds the evaluation.
 *
 * The losses are "supervised" and "unsupervised"; "kept" is the share of pixels whose
 * pseudo-label stays. With a contrast there is "contrast", L.
 *
 * @throws {TypeError} If there is a contrast, and the network has no representation.
 */
export function meanTeacher(parts: MeanTeacher): Objective {
  const { network, seed, criterion, filterTeacher, weight, contrast = null } = parts;
  const { parameters, decoder } = network;
  const opinions = teacherOpinions(network, { ...parts, threshold: 0 });
  const represent = contrast && forwardWithRepresentation(network);
  const inform = (student: Weights, teacher: Weights | null): Weights => {
    if (teacher === null) throw new RangeError("Cannot self-train without a teacher");
    // Nothing else would ever change its running statistics.
    if (filterTeacher === "eval") copyBuffers(parameters, teacher, student);
    return teacher;
  };

  return {
    forget: opinions.forget,
    ...contrast && { remember: contrast.memory.commit },
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

      const { sure, plan } = tf.tidy(() => {
        const pass = filterTeacher === "eval"
          ? EVALUATION
          : studentPass(seed, "filter", evaluation);
        const said = represent?.(teacher, images, pass);
        const { logits } = said ?? network.forward(teacher, images, pass);
        const about = resizeLogits(samplesOf(logits, B, B), [H, W], decoder);
        const entropy = labelledEntropy(view.labels, about);
        const sure = keepSure(view.labels, entropy, parts.percent(batch, evaluation));
        if (contrast === null || said === undefined) return { sure, plan: undefined };
        const told = {
          ...{ logits, representation: said.representation, entropy },
          labels: tf.concat([source.labels, view.labels], 0),
          schedule: contrast.schedule(batch, evaluation),
        };
        const key = { seed, evaluation };
        return {
          sure,
          plan: { ...planContrast(told, B, contrast.memory, contrast, key) },
        };
      });
      const losses = new Map<string, tf.Scalar>();
      const gradient = slopeOf(network, student, () => {
        const pass = studentPass(seed, "both", evaluation);
        const shown = plan && represent?.(student, images, pass);
        const seen = shown ?? network.forward(student, images, pass);
        const told = labelledLoss(network, criterion, seen, source.labels);
        const guided = unsupervisedLoss(samplesOf(seen.logits, B, B), sure, decoder);
        losses.set("supervised", tf.keep(tf.clone(told)));
        losses.set("unsupervised", tf.keep(tf.clone(guided)));
        const both: tf.Scalar = tf.add(told, tf.mul(guided, weight));
        if (!contrast || !plan || !shown) return both;
        const { memory, temperature } = contrast;
        const apart = contrastLoss(shown.representation, plan, memory, temperature);
        losses.set("contrast", tf.keep(tf.clone(apart)));
        return tf.add(both, tf.mul(apart, contrast.weight));
      });
      losses.set("kept", tf.tidy(() => tf.div(countValid(sure), sure.size)) as tf.Scalar);
      if (parts.inspect !== undefined) {
        const weights = tf.tidy(() => tf.cast(isValid(sure), "float32"));
        const mixed = { images: view.images, labels: sure, weights };
        parts.inspect({ batch, opinion, mixed });
        weights.dispose();
      }
      releaseOpinion(opinion);
      if (plan !== undefined) releasePlan(plan);
      tf.dispose([view.images, view.labels, images, sure]);
      return { losses, gradient };
    },
  };
}

function forwardWithRepresentation(
  network: Network,
): NonNullable<Network["forwardWithRepresentation"]> {
  const forward = network.forwardWithRepresentation;
  if (forward !== undefined) return forward.bind(network);
  throw new TypeError(
    "Cannot compare representations of pixels: the network has none; give its decoder " +
      "applyWithRepresentation(), or do without the contrast",
  );
}

function releasePlan({ anchors, index, positives, shares }: ContrastPlan): void {
  tf.dispose([anchors, index, positives, shares]);
}
