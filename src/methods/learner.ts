/**
 * What every method shares: who learns, what a loss evaluation is, and a real step.
 *
 * @module
 */
import type { Batch } from "../core/batch.ts";
import type { Parameter, Weights } from "../core/network.ts";
import { releaseWeights } from "../core/weights.ts";
import * as tf from "../core/tf.ts";
import type { Moments } from "../optim/adamw.ts";

/**
 * The state that training changes, in place. Whoever built it releases it.
 *
 * Saving it together with the iteration is all that a resume needs.
 */
export interface Learner {
  /** θ, the network being trained. */
  readonly student: Weights;
  /** φ, which labels the target; null for supervised training. */
  readonly teacher: Weights | null;
  /** m, the optimizer's memory of the student. */
  readonly moments: Moments;
  /** What the loss remembers between iterations, by name; absent if nothing. */
  readonly memory?: Weights;
  /** n, how many loss evaluations were made, imagined ones included. */
  evaluations: number;
}

/** Named scalars on the device, for the log. */
export type Losses = ReadonlyMap<string, tf.Scalar>;

/** The result of one loss evaluation; the caller releases it. */
export interface Evaluation {
  /** ∇E by parameter. */
  readonly gradient: Weights;
  readonly losses: Losses;
}

/**
 * Whether a student is evaluated on a batch once in an iteration, or twice: "first", and
 * "again" with weights that have the same trained values, wherever they lie.
 */
export type Turn = "once" | "first" | "again";

/**
 * E(θ, batch, φ): the loss of a student on a batch under a teacher, and its gradient.
 *
 * It may write batch-norm statistics into the weights it is given, nothing else.
 *
 * @param evaluation n, the key of this evaluation's chance.
 */
export type Evaluate = (
  student: Weights,
  teacher: Weights | null,
  batch: Batch,
  evaluation: number,
  turn: Turn,
) => Evaluation;

/** A loss, and what it remembers of the batches of an iteration. */
export interface Objective {
  readonly evaluate: Evaluate;
  /**
   * The share of pixels on which a teacher has the opinion of the one that the last
   * evaluation of this iteration had, in 0 … 1, a scalar that the caller owns. The next
   * evaluation of the batch takes this opinion as its teacher's.
   */
  readonly agreement?: (
    student: Weights,
    teacher: Weights | null,
    batch: Batch,
  ) => tf.Scalar;
  /**
   * Makes what the last evaluation found part of the learner's memory, in place; a method
   * calls it after its real step, and never after a virtual one.
   */
  remember?(): void;
  /** Frees what it remembers of the batches; a method calls it when its iteration is over. */
  forget(): void;
}

/** One optimizer step with the rate of the current iteration: changes its arguments. */
export type Descend = (weights: Weights, moments: Moments, gradient: Weights) => void;

/** What a method needs besides the learner and its data. */
export interface Recipe extends Objective {
  readonly parameters: readonly Parameter[];
  readonly descend: Descend;
}

/**
 * A learning rule: changes the learner by one iteration.
 *
 * @param batches The batch of the real step, then those of other futures, if any.
 * @param iteration t, counted from 0.
 * @returns The losses of the real step; the caller releases them.
 */
export type Method = (
  learner: Learner,
  batches: readonly Batch[],
  iteration: number,
  recipe: Recipe,
) => Losses;

/** The batch of the real step. @throws {RangeError} If there is none. */
export function realBatch(batches: readonly Batch[]): Batch {
  const [batch] = batches;
  if (batch === undefined) throw new RangeError("Cannot learn from no batch");
  return batch;
}

/** Evaluates a set of weights on a batch and moves it by one step; the gradient is freed. */
export function step(
  learner: Learner,
  weights: Weights,
  moments: Moments,
  batch: Batch,
  { evaluate, descend }: Recipe,
  turn: Turn = "once",
): Losses {
  const { gradient, losses } = evaluate(
    weights,
    learner.teacher,
    batch,
    learner.evaluations,
    turn,
  );
  learner.evaluations++;
  descend(weights, moments, gradient);
  releaseWeights(gradient);
  return losses;
}

/** Frees the losses of a step that nobody logs. */
export function releaseLosses(losses: Losses): void {
  tf.dispose([...losses.values()]);
}
