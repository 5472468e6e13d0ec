/**
 * The half of an evaluation that no teacher changes, and what of it is computed once.
 *
 *   S(θ, b) = CE(θ; source) + λ·FD(θ; source)
 *
 * Within an iteration the frozen features of a batch and the mask of its labels stay the
 * same, whatever θ is. S and its gradient stay the same where θ does, if the pass draws
 * nothing: batch norm normalises with statistics of the batch alone. The buffers are then
 * changed as a second pass would have changed them, by the statistics of the first.
 *
 * @module
 */
import type { Batch } from "../core/batch.ts";
import type { Network, Weights } from "../core/network.ts";
import { releaseWeights } from "../core/weights.ts";
import * as tf from "../core/tf.ts";
import { releaseLosses, type Turn } from "./learner.ts";
import {
  cut,
  noteLoss,
  type Portion,
  portionsOf,
  shareOf,
  slopeOfPortions,
} from "./portions.ts";
import { type Observed, releaseChanges, studentPass, supervise } from "./student_pass.ts";

/** What keeps a student's features near those of a frozen network on one batch. */
export interface Anchored {
  /** What a portion of the batch adds to λ·FD; on the tape. */
  distance(features: readonly tf.Tensor4D[], portion: Portion): tf.Scalar;
  /** Frees the frozen features. */
  release(): void;
}

/** Looks at a batch with the frozen network. */
export type Anchor = (batch: Batch) => Anchored;

/** How evaluations of the same iteration share their work. */
export interface Sharing {
  /** Computes once what is the same; changes no result. */
  readonly reuse: boolean;
  /**
   * Lets evaluations of the same weights on the same batch share their draw of dropout
   * on the source, so that S is the same for every network. Changes results.
   */
  readonly shareDropout: boolean;
}

/** The parts of the loss. */
export interface SourceLossParts extends Sharing {
  readonly network: Network;
  readonly seed: number;
  readonly anchor: Anchor | null;
  /**
   * Portions that batches are learned from in, see `portions.ts`.
   * @default {1}
   */
  readonly accumulate?: number;
}

/** S with its memory. */
export interface SourceLoss {
  /** The losses "source" and "featureDistance", and ∇S; the caller releases both. */
  evaluate(student: Weights, batch: Batch, evaluation: number, turn: Turn): Half;
  /** Frees what is remembered of all batches. */
  forget(): void;
}

/** The losses of one half of an evaluation, and their gradient. */
export interface Half {
  readonly losses: Map<string, tf.Scalar>;
  readonly gradient: Weights;
}

interface Memory {
  anchored: Anchored | null;
  /** n of the first turn. */
  drawn: number | null;
  /** S at the first turn, and how its pass changed the buffers. */
  first: (Half & Pick<Observed, "changes">) | null;
}

/** Builds the loss. */
export function sourceLoss(
  { network, seed, anchor, reuse, shareDropout, accumulate = 1 }: SourceLossParts,
): SourceLoss {
  const memories = new Map<Batch, Memory>();
  const buffers = network.parameters.filter(({ trained }) => !trained);

  // Another draw, or a layer that changes buffers without telling, would be missed.
  const repeatable = ({ drew, changes }: Observed): boolean => {
    const told = new Set(
      changes.flatMap(({ buffers }) => buffers.map(({ name }) => name)),
    );
    return (!drew || shareDropout) && buffers.every(({ name }) => told.has(name));
  };

  function evaluate(
    student: Weights,
    batch: Batch,
    evaluation: number,
    turn: Turn,
  ): Half {
    const memory = memories.get(batch) ?? { anchored: null, drawn: null, first: null };
    memories.set(batch, memory);
    if (turn === "again" && memory.first !== null) {
      for (const change of memory.first.changes) change.make(student);
      return another(memory.first);
    }
    if (turn === "first") memory.drawn = evaluation;
    const shared = shareDropout && turn === "again" ? memory.drawn : null;
    const observed: Observed | undefined = reuse && turn === "first"
      ? { drew: false, changes: [] }
      : undefined;
    const anchored = memory.anchored ?? anchor?.(batch) ?? null;
    const losses = new Map<string, tf.Scalar>();
    const { images, labels } = batch.source;
    const portions = portionsOf(images.shape[0], accumulate);
    const gradient = slopeOfPortions(network, student, portions, (portion) => {
      const { first } = portion;
      const pass = studentPass(seed, "source", shared ?? evaluation, observed, first);
      const seen = network.forward(student, cut(images, portion), pass);
      const loss = shareOf(supervise(network, seen, cut(labels, portion), null), portion);
      noteLoss(losses, "source", loss);
      if (anchored === null) return loss;
      const distance = anchored.distance(seen.features, portion);
      noteLoss(losses, "featureDistance", distance);
      return tf.add(loss, distance);
    });
    if (reuse) memory.anchored = anchored;
    else anchored?.release();
    if (observed === undefined) return { losses, gradient };
    if (!repeatable(observed)) {
      releaseChanges(observed.changes);
      return { losses, gradient };
    }
    memory.first = { losses, gradient, changes: observed.changes };
    return another(memory.first);
  }

  return {
    evaluate,
    forget() {
      for (const { anchored, first } of memories.values()) {
        anchored?.release();
        if (first !== null) releaseFirst(first);
      }
      memories.clear();
    },
  };
}

// The same values under tensors of their own.
function another({ losses, gradient }: Half): Half {
  const copy = <T extends tf.Tensor>(all: ReadonlyMap<string, T>) =>
    new Map([...all].map(([name, one]) => [name, tf.clone(one)]));
  return { losses: copy(losses), gradient: copy(gradient) };
}

function releaseFirst({ losses, gradient, changes }: NonNullable<Memory["first"]>): void {
  releaseLosses(losses);
  releaseWeights(gradient);
  releaseChanges(changes);
}
