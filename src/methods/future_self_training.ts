/**
 * Future self-training: the teacher moves on with a student that takes virtual steps, and
 * its pseudo-labels then train the present student.
 *
 *   iteration t on batch b, with student θ, moments m, teacher φ
 *     φ ← ema(φ, θ)                                       the present student enters
 *     θ′, m′ ← θ, m                                       the future student
 *     repeat K times                                      depth
 *       for i = 1 … N: θ′ᵢ ← step(θ′, m′, ∇E(θ′, bᵢ, φ))    width; N = 1: bᵢ = b
 *       θ′ ← mean of θ′ᵢ;  φ ← ema(φ, θ′)
 *     θ, m ← step(θ, m, ∇E(θ, b, φ))                      the real step
 *
 * K = 0 is plain self-training; K ≥ 1, N = 1 is FST-D; K = 1, N ≥ 2 is FST-W. Virtual steps
 * change θ′ and m′ alone, so there is nothing to restore.
 *
 * That is the look-ahead by gradient. Three others cost less:
 *
 *   by momentum  no ∇E: θ′ₖ = θ − k·Δ, Δ being the step that m gives, enter for k = 1 … K
 *   by head      ∇E of decoder and heads on features that the encoder of θ gives once for
 *                each batch; all K steps on a batch learn the images, draws and
 *                pseudo-labels of the first one, and the encoder of θ′ is that of θ; with
 *                N = 1 the real step may share the first one's source pass
 *   by reuse     the first ∇E is that of the last real step; in iteration 0 it is computed
 *
 * Source: Du et al., "Learning from Future" (NeurIPS 2022),
 * https://arxiv.org/abs/2209.06993. The published code differs in five places; each is an
 * option below, with what the paper says as the default of the configuration.
 *
 * @module
 */
import { readBack } from "../core/backend.ts";
import type { Batch } from "../core/batch.ts";
import type { Weights } from "../core/network.ts";
import { futureGroups, inFutureGroup } from "../core/ranks.ts";
import type * as tf from "../core/tf.ts";
import { cloneWeights } from "../core/weights.ts";
import {
  copyBuffers,
  emaUpdate,
  emaUpdateBuffers,
  warmedUpEmaDecay,
} from "../optim/ema_update.ts";
import {
  gradientStep,
  type GradientStepOptions,
  type Learner,
  type Losses,
  realBatch,
  type Recipe,
  releaseLosses,
  requireTeacher,
  type WeightsAndMoments,
} from "./learner.ts";
import { copySet, lerpSet, type ScratchSets } from "./scratch_sets.ts";

/** How far to look ahead, by what, and what virtual steps leave behind. */
export interface LookAhead {
  /**
   * By what virtual steps are made; "momentum" and "reuse" need N = 1.
   *
   * @default {"gradient"}
   */
  readonly by?: "gradient" | "momentum" | "head" | "reuse";
  /** K, virtual steps in a row; 0 is plain self-training. */
  readonly depth: number;
  /** N, futures that are averaged; above 1 each has a batch of its own. */
  readonly width: number;
  /** α, the EMA decay of the teacher whenever a student enters. */
  readonly emaDecay: number;
  /**
   * Whether the student's batch-norm statistics enter the teacher with its parameters.
   *
   * @default {false}
   */
  readonly averagesBuffers?: boolean;
  /** Whether virtual steps change the optimizer's state for good ("carry", as published). */
  readonly optimizerState: "restore" | "carry";
  /** The same for the student's batch-norm statistics ("carry", as published). */
  readonly buffers: "restore" | "carry";
  /** What the warm-up of the teacher counts: iterations, or passes (as published). */
  readonly emaStep: "iteration" | "forward";
  /**
   * When the present student enters the teacher: before the look-ahead, after the real step
   * (as published for width), or both (as published for semi-supervised learning).
   */
  readonly emaTiming: "before" | "after" | "both";
  /**
   * Whether a student that enters after the real step does so with the decay of this
   * iteration, as published for semi-supervised learning, or with that of the next one.
   *
   * @default {"next"}
   */
  readonly emaDecayAt?: "this" | "next";
  /**
   * No virtual step follows once more than this share of the pseudo-labels stays the same;
   * null for a fixed depth. Needs N = 1 and an objective that measures the agreement.
   *
   * @default {null}
   */
  readonly agreement?: number | null;
  /**
   * Whether iteration 0 looks ahead, or is a plain step after which the student enters the
   * teacher (as published).
   */
  readonly firstIteration: "lookahead" | "plain";
}

/** How often an iteration of a full depth evaluates the loss, and how often the first does. */
export function lossEvaluations(
  { by, depth, width, firstIteration }: Pick<
    LookAhead,
    "by" | "depth" | "width" | "firstIteration"
  >,
): { readonly perIteration: number; readonly inFirstIteration: number } {
  const all = by === "momentum" ? 1 : depth * width + 1;
  return {
    perIteration: by === "reuse" ? all - 1 : all,
    inFirstIteration: firstIteration === "plain" ? 1 : all,
  };
}

/** What one iteration works on; it changes the learner. */
export interface FutureIteration {
  readonly learner: Learner;
  /** For θ′ and m′; null for depth 0, and where there is no θ′. */
  readonly scratch: ScratchSets | null;
  /** The batch b of the real step, then b₁ … b_N where N ≥ 2. */
  readonly batches: readonly Batch[];
  /** t, counted from 0. */
  readonly iteration: number;
  readonly lookAhead: LookAhead;
  readonly recipe: Recipe;
}

/**
 * One iteration of a fixed depth.
 *
 * @returns The losses of the real step; the caller releases them.
 * @throws {RangeError} If there is no teacher, or a batch is missing.
 * @throws {TypeError} If the depth depends on an agreement.
 */
export function futureSelfTraining(options: FutureIteration): Losses {
  const { done, value } = runIteration(options).next();
  if (done) return value;
  value.dispose();
  options.recipe.clearCache();
  throw new TypeError(
    'Cannot run futureSelfTraining(): with "lookAhead.agreement" the depth depends on a ' +
      "value read from the device; use adaptiveFutureSelfTraining()",
  );
}

/**
 * One iteration whose depth may depend on an agreement, which is read back from the device
 * after every virtual step but the last.
 */
export async function adaptiveFutureSelfTraining(
  options: FutureIteration,
): Promise<Losses> {
  const iteration = runIteration(options);
  let step = iteration.next();
  while (!step.done) {
    const [agreement = NaN] = await readBack(step.value);
    step.value.dispose();
    step = iteration.next(agreement);
  }
  return step.value;
}

/** Yields scalars whose values it needs; the caller reads them back and frees them. */
type WithReadBack<T> = Generator<tf.Scalar, T, number>;

function* runIteration(options: FutureIteration): WithReadBack<Losses> {
  const { learner, batches, iteration: t, lookAhead, recipe } = options;
  const { student: weights, moments } = learner;
  const { emaTiming } = lookAhead;
  requireTeacher(learner.teacher);
  const isPlain = t === 0 && lookAhead.firstIteration === "plain";
  const scratch = isPlain ? null : options.scratch;

  // φ ← ema(φ, θ): the present student enters
  if (emaTiming !== "after" || t === 0) enterTeacher(options, weights, t);
  // θ′, φ ← K virtual steps
  if (lookAhead.by === "momentum") {
    if (!isPlain) enterFuturesByMomentum(options);
  } else if (scratch !== null) yield* takeVirtualSteps(options, scratch);
  // θ, m ← step(θ, m, ∇E(θ, b, φ)), where the first virtual step of FST-D had θ and b, too
  const cacheMode = scratch !== null && scratch.averaging === null ? "reuse" : "off";
  const real = { weights, moments };
  const losses = gradientStep(learner, real, realBatch(batches), recipe, {
    cacheMode,
    ...lookAhead.by === "reuse" && {
      onGradient: (gradient) => keepLastGradient(options, gradient),
    },
  });
  recipe.commitLossState?.();
  recipe.clearCache();
  if (isPlain || emaTiming !== "before") {
    enterTeacher(options, weights, lookAhead.emaDecayAt === "this" ? t : t + 1);
  }
  return losses;
}

/** φ ← ema(φ, θ) with the decay of an iteration. */
function enterTeacher(
  { learner, lookAhead, recipe: { parameters } }: FutureIteration,
  student: Weights,
  iteration: number,
): void {
  const teacher = requireTeacher(learner.teacher);
  const decay = decayAt(learner, lookAhead, iteration);
  emaUpdate(parameters, teacher, student, decay);
  if (lookAhead.averagesBuffers) emaUpdateBuffers(parameters, teacher, student, decay);
}

function decayAt(
  { forwardCount }: Learner,
  { emaStep, emaDecay }: LookAhead,
  iteration: number,
): number {
  return warmedUpEmaDecay(emaStep === "forward" ? forwardCount : iteration, emaDecay);
}

/** φ ← ema(φ, θ − k·Δ), k = 1 … K, all at once; with no moments yet, Δ is 0. */
function enterFuturesByMomentum(
  { learner, lookAhead, recipe, iteration }: FutureIteration,
): void {
  const { student, moments } = learner;
  const { depth: count, averagesBuffers = false } = lookAhead;
  const teacher = requireTeacher(learner.teacher);
  const decay = decayAt(learner, lookAhead, iteration);
  if (recipe.enterFutures === undefined) {
    throw new TypeError(
      "Cannot look ahead by momentum: the recipe has no enterFutures(); give it one of the " +
        "optimizer",
    );
  }
  recipe.enterFutures(teacher, student, moments, { count, decay });
  if (averagesBuffers) {
    emaUpdateBuffers(recipe.parameters, teacher, student, decay ** count);
  }
}

/** The K virtual steps; of the learner they change the teacher and what is carried. */
function* takeVirtualSteps(
  options: FutureIteration,
  scratch: ScratchSets,
): WithReadBack<void> {
  const { learner, batches, iteration: t, lookAhead, recipe } = options;
  const { by, depth, optimizerState, buffers, agreement = null } = lookAhead;
  const virtual = virtualStepsOf(options);
  const { parameters } = virtual.recipe;
  const present = { weights: learner.student, moments: learner.moments };
  // Carried moments run through all virtual steps and into the real one.
  const future = optimizerState === "carry"
    ? { weights: scratch.future.weights, moments: learner.moments }
    : scratch.future;
  // θ′, m′ ← θ, m
  copySet(parameters, future, present);
  copyBuffers(parameters, future.weights, present.weights);

  for (let k = 0; k < depth; k++) {
    // θ′ ← step(θ′, m′, ∇E(θ′, b, φ)), or the mean of N such steps
    if (by === "reuse" && k === 0 && hasLastGradient(learner)) {
      recipe.optimizerStep(future.weights, future.moments, learner.lastGradient);
    } else if (scratch.averaging === null) {
      const batch = realBatch(batches);
      const step = virtual.optionsAt(k, 0);
      releaseLosses(gradientStep(learner, future, batch, virtual.recipe, step));
    } else {
      averageFutures(options, future, scratch.averaging, virtual, k);
    }
    // φ ← ema(φ, θ′)
    enterTeacher(options, future.weights, t);
    if (agreement === null || k === depth - 1) continue;
    if ((yield measureAgreement(options, future.weights)) > agreement) break;
  }
  if (buffers === "carry") copyBuffers(parameters, present.weights, future.weights);
  recipe.headObjective?.clearCache(); // before the real step, which needs most memory
}

/** How the virtual steps of an iteration are computed. */
interface VirtualSteps {
  readonly recipe: Pick<Recipe, "parameters" | "forwardBackward" | "optimizerStep">;
  /** For the step at a depth, on one of the batches. */
  optionsAt(k: number, batchIndex: number): GradientStepOptions;
}

function virtualStepsOf(
  { learner, lookAhead: { by, width }, recipe }: FutureIteration,
): VirtualSteps {
  const cacheModeAt = (k: number) => width === 1 && k === 0 ? "store" : "off";
  if (by !== "head") return { recipe, optionsAt: (k) => ({ cacheMode: cacheModeAt(k) }) };
  const { headObjective } = recipe;
  if (headObjective === undefined) {
    throw new TypeError(
      "Cannot look ahead by head: the recipe has no headObjective; give it that of the " +
        "network without its encoder",
    );
  }
  // The draws of the first step on a batch are those of all.
  const { forwardCount } = learner;
  return {
    recipe: { ...recipe, ...headObjective },
    optionsAt: (k, batchIndex) => ({
      cacheMode: cacheModeAt(k),
      forwardIndex: forwardCount + batchIndex,
    }),
  };
}

type LearnerWithLastGradient = Learner & Required<Pick<Learner, "lastGradient">>;

/** Whether there was a real step whose gradient is kept. */
function hasLastGradient(learner: Learner): learner is LearnerWithLastGradient {
  return learner.lastGradient !== undefined && learner.lastGradient.size > 0;
}

/** Keeps a copy, in the tensors of the last one: a replay finds them where they were. */
function keepLastGradient(
  { learner: { lastGradient }, recipe: { parameters } }: FutureIteration,
  gradient: Weights,
): void {
  if (lastGradient === undefined) {
    throw new TypeError(
      "Cannot look ahead by reuse: the learner keeps no gradient; give it a lastGradient",
    );
  }
  emaUpdate(parameters, lastGradient, gradient, 0);
  const isNew = ([name]: readonly [string, unknown]) => !lastGradient.has(name);
  const added = new Map([...gradient].filter(isNew));
  for (const [name, copy] of cloneWeights(added)) lastGradient.set(name, copy);
}

/** θ′, m′ ← mean over i of step(θ′, m′, ∇E(θ′, bᵢ, φ)). */
function averageFutures(
  { learner, batches, lookAhead: { width }, recipe: { joinFutures } }: FutureIteration,
  future: WeightsAndMoments,
  averaging: NonNullable<ScratchSets["averaging"]>,
  { recipe, optionsAt }: VirtualSteps,
  k: number,
): void {
  const { parameters } = recipe;
  const groups = futureGroups();
  const count = groups === null ? width : 1;
  const futureBatches = batches.slice(1, 1 + count);
  if (futureBatches.length < count) {
    throw new RangeError(
      `Cannot look ahead with width ${width}: ${futureBatches.length} batches besides the ` +
        "real one were given",
    );
  }
  // Carried moments are one for all.
  const isCarried = future.moments === learner.moments;
  const withMoments = (set: WeightsAndMoments): WeightsAndMoments =>
    isCarried ? { ...set, moments: learner.moments } : set;
  const candidate = withMoments(averaging.candidate);
  const mean = withMoments(averaging.mean);
  copyBuffers(parameters, candidate.weights, future.weights);
  if (groups !== null) {
    if (joinFutures === undefined) {
      throw new TypeError(
        "Cannot divide futures among ranks: the recipe has no joinFutures(); give it one " +
          "that averages over ranks",
      );
    }
    const [batch] = futureBatches as [Batch];
    const { own, count } = groups;
    const firstIndex = learner.forwardCount;
    copySet(parameters, candidate, future);
    inFutureGroup(() => {
      const step = { forwardIndex: firstIndex + own, ...optionsAt(k, own) };
      releaseLosses(gradientStep(learner, candidate, batch, recipe, step));
    });
    learner.forwardCount = firstIndex + count;
    joinFutures(candidate);
    copySet(parameters, future, candidate);
  } else {
    futureBatches.forEach((batch, i) => {
      copySet(parameters, candidate, future);
      releaseLosses(gradientStep(learner, candidate, batch, recipe, optionsAt(k, i)));
      lerpSet(parameters, mean, candidate, i / (i + 1)); // a running mean
    });
    copySet(parameters, future, mean);
  }
  copyBuffers(parameters, future.weights, candidate.weights);
}

/** The share of the pseudo-labels that are the same as in the last pass. */
function measureAgreement(
  { learner, batches, recipe }: FutureIteration,
  student: Weights,
): tf.Scalar {
  const { teacher } = learner;
  const share = recipe.pseudoLabelAgreement?.(student, teacher, realBatch(batches));
  if (share !== undefined) return share;
  throw new TypeError(
    'Cannot use "lookAhead.agreement": the objective does not measure the agreement of ' +
      "pseudo-labels",
  );
}
