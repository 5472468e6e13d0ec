/** What a student is told by labelled images, alone or beside others in one batch. @module */
import type { Decoder, Network } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import type { Objective } from "./learner.ts";
import { slopeOf, studentPass } from "./student_pass.ts";

/** Judges logits of any size by labels with 255 for none; a scalar. */
export type Criterion = (
  logits: tf.Tensor4D,
  labels: tf.Tensor,
  enlarging: Pick<Decoder, "alignCorners">,
) => tf.Scalar;

/**
 * The loss of the first samples of a pass, whose labels are known, and of its side
 * branches, by their weights.
 *
 * @param labels [B, H, W]
 */
export function labelledLoss(
  { decoder }: Network,
  criterion: Criterion,
  { logits, sides }: Pick<ReturnType<Network["forward"]>, "logits" | "sides">,
  labels: tf.Tensor,
): tf.Scalar {
  const B = labels.shape[0] ?? 0;
  const lossOf = (some: tf.Tensor4D) => criterion(samplesOf(some, 0, B), labels, decoder);
  return sides.reduce<tf.Scalar>(
    (loss, side) => tf.add(loss, tf.mul(lossOf(side.logits), side.lossWeight)),
    lossOf(logits),
  );
}

/** Some samples of a batch. [count, H, W, C] */
export function samplesOf(x: tf.Tensor4D, first: number, count: number): tf.Tensor4D {
  const [B, H, W, C] = x.shape;
  if (first === 0 && count === B) return x;
  return tf.slice(x, [first, 0, 0, 0], [count, H, W, C]);
}

/** The loss of labelled images alone; its name in the log is "supervised". */
export function labelledOnly(
  network: Network,
  seed: number,
  criterion: Criterion,
): Objective {
  return {
    forget() {},
    evaluate(student, _teacher, { source }, evaluation) {
      const losses = new Map<string, tf.Scalar>();
      const gradient = slopeOf(network, student, () => {
        const pass = studentPass(seed, "labelled", evaluation);
        const seen = network.forward(student, source.images, pass);
        const loss = labelledLoss(network, criterion, seen, source.labels);
        losses.set("supervised", tf.keep(tf.clone(loss)));
        return loss;
      });
      return { losses, gradient };
    },
  };
}
