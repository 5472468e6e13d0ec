/** What a teacher says of images without labels, as in evaluation. @module */
import type { Batch } from "../core/batch.ts";
import { EVALUATION, type Network, type Weights } from "../core/network.ts";
import { IGNORED } from "../core/host_batch.ts";
import * as tf from "../core/tf.ts";
import { agreement } from "../objectives/agreement.ts";
import { type PseudoLabel, pseudoLabel } from "../objectives/pseudo_label.ts";

/** Opinions of one iteration. */
export interface TeacherOpinions {
  /** Of the unlabelled images of a batch, 255 where there is none; the caller owns it. */
  label(teacher: Weights, batch: Batch): PseudoLabel;
  /**
   * The share of pixels on which it says what the last one to be asked said; the caller
   * owns it. The new opinion is what `label` gives next.
   */
  agreement(teacher: Weights, batch: Batch): tf.Scalar;
  /** Frees what is remembered. */
  forget(): void;
}

/** How teachers are asked. */
export interface OpinionOptions {
  /** A pixel is told if its probability is at least this. */
  readonly threshold: number;
  /**
   * Whether pixels around an image, which are 0 in every channel, get no label. No other
   * pixel is 0 under a mean that no 8-bit colour has, as that of ImageNet.
   */
  readonly ignorePadding: boolean;
  /** Whether opinions are to be compared. */
  readonly compared: boolean;
}

/** Asks teachers. */
export function teacherOpinions(
  network: Network,
  { threshold, ignorePadding, compared }: OpinionOptions,
): TeacherOpinions {
  let told: tf.Tensor | null = null;
  let next: PseudoLabel | null = null;

  const remember = (opinion: PseudoLabel) => {
    told?.dispose();
    told = trusted(opinion, threshold);
  };
  const ask = (teacher: Weights, { target }: Batch): PseudoLabel =>
    tf.tidy(() => {
      if (target === null) {
        throw new RangeError(
          "Cannot learn without labels: unlabelled images are needed; give the run a target",
        );
      }
      const { images } = target;
      const [, H, W] = images.shape;
      const { logits } = network.forward(teacher, images, EVALUATION);
      const options = { threshold, ignoreTop: 0, ignoreBottom: 0 };
      const opinion = pseudoLabel(logits, [H, W], options, network.decoder);
      if (!ignorePadding) return { ...opinion };
      const inside = tf.greater(tf.max(tf.abs(images), -1), 0); // [B, H, W]
      const none = tf.scalar(IGNORED, "int32");
      return { ...opinion, labels: tf.where(inside, opinion.labels, none) };
    });

  return {
    label(teacher, batch) {
      const known = next;
      next = null;
      if (known !== null) return known;
      const opinion = ask(teacher, batch);
      if (compared) remember(opinion);
      return opinion;
    },
    agreement(teacher, batch) {
      const opinion = ask(teacher, batch);
      const before = told;
      told = null;
      remember(opinion);
      if (next !== null) releaseOpinion(next);
      next = opinion;
      if (before === null || told === null) {
        throw new RangeError("Cannot compare a teacher's opinion: it is the first one");
      }
      const share = agreement(before, told);
      before.dispose();
      return share;
    },
    forget() {
      told?.dispose();
      if (next !== null) releaseOpinion(next);
      told = null;
      next = null;
    },
  };
}

/** The labels of confident pixels, 255 elsewhere; the caller owns them. */
export function trusted(
  { labels, confidence }: PseudoLabel,
  threshold: number,
): tf.Tensor {
  if (threshold === 0) return tf.clone(labels);
  return tf.tidy(() =>
    tf.where(
      tf.greaterEqual(confidence, threshold),
      labels,
      tf.scalar(IGNORED, "int32"),
    )
  );
}

/** Frees an opinion. */
export function releaseOpinion(
  { labels, confidence, weights, share }: PseudoLabel,
): void {
  tf.dispose([labels, confidence, weights, share]);
}
