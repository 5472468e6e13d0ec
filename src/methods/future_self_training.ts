/**
 * Future self-training: the teacher moves with a student that is optimised virtually, and
 * its pseudo-labels then guide the present student.
 *
 *   iteration on batch b, student θ, moments m, teacher φ
 *     φ ← ema(φ, θ)                                     the present student enters
 *     θ′, m′ ← θ, m                                     the future slot
 *     repeat K times                                    depth
 *       for i = 1 … N: θ′ᵢ ← step(θ′, m′, ∇E(θ′, bᵢ, φ))   width; N = 1: bᵢ = b
 *       θ′ ← mean of θ′ᵢ;  φ ← ema(φ, θ′)
 *     θ, m ← step(θ, m, ∇E(θ, b, φ))                    the real step
 *
 * K = 0 is plain self-training; K ≥ 1, N = 1 is FST-D; K = 1, N ≥ 2 is FST-W. The
 * student's slot is never overwritten by a virtual step, so there is nothing to restore.
 *
 * Source: Du et al., "Learning from Future" (NeurIPS 2022),
 * https://arxiv.org/abs/2209.06993. The published code differs in five places; each is an
 * option below, the default being what the paper says.
 *
 * @module
 */
import { readBack } from "../core/backend.ts";
import type { Batch } from "../core/batch.ts";
import type { Parameter, Weights } from "../core/network.ts";
import type * as tf from "../core/tf.ts";
import { copyWeights, releaseWeights } from "../core/weights.ts";
import type { Moments } from "../optim/adamw.ts";
import { average, copyBuffers, copyTrained } from "../optim/average.ts";
import { teacherMomentum } from "../optim/teacher_momentum.ts";
import {
  type Learner,
  type Losses,
  realBatch,
  type Recipe,
  releaseLosses,
} from "./learner.ts";
import { step } from "./learner.ts";

/** How far to look ahead, and what the imagination leaves behind. */
export interface LookAhead {
  /** K, virtual steps in a row; 0 is plain self-training. */
  readonly depth: number;
  /** N, futures that are averaged; above 1 each sees a batch of its own. */
  readonly width: number;
  /** α, the share of itself that the teacher keeps at every entry. */
  readonly momentum: number;
  /** Whether virtual steps leave their marks in the optimizer ("carry", as published). */
  readonly optimizerState: "restore" | "carry";
  /** The same for the student's batch-norm statistics ("carry", as published). */
  readonly buffers: "restore" | "carry";
  /** What the teacher's warm-up counts: iterations, or loss evaluations (as published). */
  readonly teacherClock: "iteration" | "forward";
  /**
   * When the present student enters the teacher: before the look-ahead, after the real
   * step (as published for width), or at both times (as published for few labels).
   */
  readonly presentStudent: "before" | "after" | "both";
  /**
   * Whether a student that enters after the real step does so with the momentum of this
   * iteration, as published for few labels, or with that of the next one.
   *
   * @default {"next"}
   */
  readonly lateMomentum?: "this" | "next";
  /**
   * No virtual step follows once this share of the pseudo-labels stays as it was; null for
   * a fixed depth. Needs N = 1 and an objective that can tell.
   *
   * @default {null}
   */
  readonly agreement?: number | null;
  /**
   * Whether iteration 0 looks ahead, or is a plain step after which the student enters
   * the teacher (as published).
   */
  readonly firstIteration: "lookahead" | "plain";
}

/** A student and the optimizer's memory of it. */
interface Slot {
  readonly weights: Weights;
  readonly moments: Moments;
}

/** Slots that live as long as the run, so that a virtual step allocates nothing. */
export interface FutureSlots {
  /** θ′ and m′ */
  readonly future: Slot;
  /** One θ′ᵢ and m′ᵢ, and the mean of those so far; null where N = 1. */
  readonly wide: { readonly path: Slot; readonly mean: Slot } | null;
}

/** Makes the slots that a look-ahead needs, or null where there is none. */
export function futureSlots(
  learner: Learner,
  { depth, width }: Pick<LookAhead, "depth" | "width">,
): FutureSlots | null {
  if (depth === 0) return null;
  const slot = (): Slot => ({
    weights: copyWeights(learner.student),
    moments: copyMoments(learner.moments),
  });
  return { future: slot(), wide: width > 1 ? { path: slot(), mean: slot() } : null };
}

/** Frees the slots. */
export function releaseSlots(slots: FutureSlots | null): void {
  if (slots === null) return;
  const { future, wide } = slots;
  for (const { weights, moments } of wide ? [future, wide.path, wide.mean] : [future]) {
    for (const set of [weights, moments.first, moments.second]) releaseWeights(set);
  }
}

/**
 * One iteration; changes the learner.
 *
 * @param batches The batch b of the real step, then b₁ … b_N where N ≥ 2.
 * @param iteration t, counted from 0.
 * @returns The losses of the real step; the caller releases them.
 * @throws {RangeError} If there is no teacher, or a batch is missing.
 * @throws {TypeError} If the depth depends on an agreement.
 */
export function futureSelfTraining(
  learner: Learner,
  slots: FutureSlots | null,
  batches: readonly Batch[],
  iteration: number,
  lookAhead: LookAhead,
  recipe: Recipe,
): Losses {
  const all = { learner, slots, batches, iteration, lookAhead, recipe };
  const { done, value } = iterationOf(all).next();
  if (done) return value;
  value.dispose();
  recipe.forget();
  throw new TypeError(
    "Cannot look ahead at once: the depth depends on what the device finds; use " +
      "adaptiveFutureSelfTraining()",
  );
}

/**
 * The same for a depth that depends on an agreement, which is read back from the device
 * after every virtual step but the last.
 */
export async function adaptiveFutureSelfTraining(
  learner: Learner,
  slots: FutureSlots | null,
  batches: readonly Batch[],
  iteration: number,
  lookAhead: LookAhead,
  recipe: Recipe,
): Promise<Losses> {
  const all = { learner, slots, batches, iteration, lookAhead, recipe };
  const steps = iterationOf(all);
  let step = steps.next();
  while (!step.done) {
    const [share = NaN] = await readBack(step.value);
    step.value.dispose();
    step = steps.next(share);
  }
  return step.value;
}

/** Everything that an iteration is about. */
interface Iteration {
  readonly learner: Learner;
  readonly slots: FutureSlots | null;
  readonly batches: readonly Batch[];
  readonly iteration: number;
  readonly lookAhead: LookAhead;
  readonly recipe: Recipe;
}

/** Asks for the value of a scalar, which whoever answers frees, and goes on. */
type Asking<T> = Generator<tf.Scalar, T, number>;

function* iterationOf(
  { learner, slots, batches, iteration, lookAhead, recipe }: Iteration,
): Asking<Losses> {
  const { student, moments } = learner;
  const { parameters } = recipe;
  const teacher = learner.teacher;
  if (teacher === null) throw new RangeError("Cannot self-train without a teacher");
  const plain = iteration === 0 && lookAhead.firstIteration === "plain";

  const ema = (entering: Weights, clock = iteration) => {
    const count = lookAhead.teacherClock === "forward" ? learner.evaluations : clock;
    average(parameters, teacher, entering, teacherMomentum(count, lookAhead.momentum));
  };

  if (lookAhead.presentStudent !== "after" || iteration === 0) ema(student);
  if (slots !== null && !plain) {
    yield* imagine(learner, slots, batches, lookAhead, recipe, ema);
  }
  // The first of several virtual steps on the same batch started at θ, too.
  const turn = slots !== null && slots.wide === null && !plain ? "again" : "once";
  const losses = step(learner, student, moments, realBatch(batches), recipe, turn);
  recipe.remember?.();
  recipe.forget();
  if (plain || lookAhead.presentStudent !== "before") {
    ema(student, lookAhead.lateMomentum === "this" ? iteration : iteration + 1);
  }
  return losses;
}

// The K virtual steps; moves the teacher, and of the student at most what is carried.
function* imagine(
  learner: Learner,
  { future, wide }: FutureSlots,
  batches: readonly Batch[],
  { depth, width, optimizerState, buffers, agreement = null }: LookAhead,
  recipe: Recipe,
  ema: (entering: Weights) => void,
): Asking<void> {
  const { parameters } = recipe;
  copyTrained(parameters, future.weights, learner.student);
  copyBuffers(parameters, future.weights, learner.student);
  // Carried moments run through all virtual steps and into the real one.
  const carried = optimizerState === "carry";
  if (!carried) setMoments(parameters, future.moments, learner.moments);
  const moments = carried ? learner.moments : future.moments;

  for (let k = 0; k < depth; k++) {
    if (wide === null) {
      const batch = realBatch(batches);
      const turn = k === 0 ? "first" : "once";
      releaseLosses(step(learner, future.weights, moments, batch, recipe, turn));
    } else {
      const futures = otherFutures(batches, width);
      const start = { weights: future.weights, moments };
      widen(learner, start, wide, futures, carried, recipe);
    }
    ema(future.weights);
    if (agreement === null || k === depth - 1) continue;
    const share = recipe.agreement?.(future.weights, learner.teacher, realBatch(batches));
    if (share === undefined) {
      throw new TypeError("Cannot stop at an agreement: the loss does not tell any");
    }
    if ((yield share) > agreement) break;
  }
  if (buffers === "carry") copyBuffers(parameters, learner.student, future.weights);
}

// One step of depth along N paths from θ′, m′; both become the mean of where they end.
function widen(
  learner: Learner,
  start: Slot,
  { path, mean }: NonNullable<FutureSlots["wide"]>,
  futures: readonly Batch[],
  carried: boolean,
  recipe: Recipe,
): void {
  const { parameters } = recipe;
  copyBuffers(parameters, path.weights, start.weights);
  futures.forEach((batch, i) => {
    copyTrained(parameters, path.weights, start.weights);
    if (!carried) setMoments(parameters, path.moments, start.moments);
    const moments = carried ? start.moments : path.moments;
    releaseLosses(step(learner, path.weights, moments, batch, recipe));
    const keep = i / (i + 1); // a running mean
    average(parameters, mean.weights, path.weights, keep);
    if (!carried) averageMoments(parameters, mean.moments, path.moments, keep);
  });
  copyTrained(parameters, start.weights, mean.weights);
  copyBuffers(parameters, start.weights, path.weights);
  if (!carried) setMoments(parameters, start.moments, mean.moments);
}

function otherFutures(batches: readonly Batch[], width: number): readonly Batch[] {
  const futures = batches.slice(1, 1 + width);
  if (futures.length === width) return futures;
  throw new RangeError(
    `Cannot look ${width} futures wide: ${futures.length} batches besides the real one ` +
      "were given",
  );
}

function copyMoments({ steps, first, second }: Moments): Moments {
  return { steps, first: copyWeights(first), second: copyWeights(second) };
}

function setMoments(parameters: readonly Parameter[], to: Moments, from: Moments): void {
  averageMoments(parameters, to, from, 0);
}

function averageMoments(
  parameters: readonly Parameter[],
  to: Moments,
  from: Moments,
  keep: number,
): void {
  average(parameters, to.first, from.first, keep);
  average(parameters, to.second, from.second, keep);
  to.steps = from.steps;
}
