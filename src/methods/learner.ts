/**
 * What all methods share: the learner, the objective, the student's forward passes, and
 * the real step.
 *
 * @module
 */
import type { Batch } from "../core/batch.ts";
import type {
  ForwardContext,
  Parameter,
  RngKey,
  RunningStatsUpdate,
  Weights,
} from "../core/network.ts";
import { hashStreamName } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { releaseWeights } from "../core/weights.ts";
import type { FuturesOptions, Moments } from "../optim/optimizer.ts";

/**
 * The state that training changes, in place. Its creator releases it.
 *
 * With the iteration it is all that has to be saved to resume.
 */
export interface Learner {
  /** θ, the network being trained. */
  readonly student: Weights;
  /** φ, which labels the target; null for supervised training. */
  readonly teacher: Weights | null;
  /** m, the optimizer's state for the student. */
  readonly moments: Moments;
  /** What the loss keeps between iterations, by name; absent if nothing. */
  readonly lossState?: Weights;
  /**
   * The gradient of the last real step, for a look-ahead that reuses it: empty before there
   * is one, and with the parameters that had a gradient.
   */
  readonly lastGradient?: Map<string, tf.AnyTensor>;
  /** n, how many forward and backward passes were made, virtual ones included. */
  forwardCount: number;
}

/** @throws {RangeError} If there is no teacher. */
export function requireTeacher(teacher: Weights | null): Weights {
  if (teacher !== null) return teacher;
  throw new RangeError("Cannot self-train without a teacher");
}

/** Named scalars on the device, for the log. */
export type Losses = ReadonlyMap<string, tf.Scalar>;

/** The result of one forward and backward pass; the caller releases it. */
export interface LossesAndGradient {
  /** ∇E by parameter. */
  readonly gradient: Weights;
  readonly losses: Losses;
}

/**
 * Whether what a forward and backward pass computes is stored or reused. A "store" and the
 * "reuse" after it are passes on the same batch with the same trained weights, though in
 * other tensors.
 */
export type CacheMode = "off" | "store" | "reuse";

/**
 * E(θ, batch, φ): the loss of a student on a batch under a teacher, and its gradient.
 *
 * It may update running statistics in the weights, nothing else.
 *
 * @param forwardIndex n, the key of the random draws.
 */
export type ForwardBackward = (
  student: Weights,
  teacher: Weights | null,
  batch: Batch,
  forwardIndex: number,
  cacheMode: CacheMode,
) => LossesAndGradient;

/** A loss with its cache for the batches of an iteration. */
export interface Objective {
  readonly forwardBackward: ForwardBackward;
  /**
   * The share of pixels whose pseudo-label is that of the last forward pass of this
   * iteration, in 0 … 1, a scalar that the caller owns. The next forward pass on the batch
   * uses the new pseudo-labels.
   */
  readonly pseudoLabelAgreement?: (
    student: Weights,
    teacher: Weights | null,
    batch: Batch,
  ) => tf.Scalar;
  /**
   * Stores what the last forward pass found in the learner's loss state, in place; a method
   * calls it after its real step, and never after a virtual one.
   */
  commitLossState?(): void;
  /** Frees the cache; a method calls it at the end of an iteration. */
  clearCache(): void;
}

/** One optimizer step with the learning rate of the iteration; changes its arguments. */
export type OptimizerStep = (
  weights: Weights,
  moments: Moments,
  gradient: Weights,
) => void;

/**
 * Lets K futures θ − k·Δ enter an average of students, each with the decay d, Δ being the
 * step that the moments give; changes the average alone.
 */
export type EnterFutures = (
  average: Weights,
  weights: Weights,
  moments: Moments,
  futures: FuturesOptions,
) => void;

/** The loss of virtual steps that move a part of the student. */
export interface PartialObjective
  extends Pick<Objective, "forwardBackward" | "clearCache"> {
  /** All parameters, those that stay being frozen. */
  readonly parameters: readonly Parameter[];
}

/** What a method needs in addition to the learner and its data. */
export interface Recipe extends Objective {
  readonly parameters: readonly Parameter[];
  readonly optimizerStep: OptimizerStep;
  /** For a look-ahead by momentum. */
  readonly enterFutures?: EnterFutures;
  /**
   * Where futures are divided among ranks: θ′ᵢ, m′ᵢ ← their means over all futures, and so
   * the teacher's running statistics.
   */
  readonly joinFutures?: (future: WeightsAndMoments) => void;
  /** For a look-ahead by head: that of its virtual steps. */
  readonly headObjective?: PartialObjective;
}

/** The batch of the real step. @throws {RangeError} If there is none. */
export function realBatch(batches: readonly Batch[]): Batch {
  const [batch] = batches;
  if (batch === undefined) throw new RangeError("Cannot train: no batch was given");
  return batch;
}

/** Weights with the optimizer's state for them. */
export interface WeightsAndMoments {
  readonly weights: Weights;
  readonly moments: Moments;
}

/** What a step does that is not like all others. */
export interface GradientStepOptions {
  /** @default {"off"} */
  readonly cacheMode?: CacheMode;
  /** The key of the random draws. @default {n} */
  readonly forwardIndex?: number;
  /** Called with the gradient before it is freed. @default {nothing} */
  readonly onGradient?: (gradient: Weights) => void;
}

/** θ, m ← step(θ, m, ∇E(θ, b, φ)) for any θ and m, under the learner's teacher. */
export function gradientStep(
  learner: Learner,
  { weights, moments }: WeightsAndMoments,
  batch: Batch,
  { forwardBackward, optimizerStep }: Pick<Recipe, "forwardBackward" | "optimizerStep">,
  options: GradientStepOptions = {},
): Losses {
  const { cacheMode = "off", forwardIndex = learner.forwardCount, onGradient } = options;
  const { gradient, losses } = forwardBackward(
    weights,
    learner.teacher,
    batch,
    forwardIndex,
    cacheMode,
  );
  learner.forwardCount++;
  optimizerStep(weights, moments, gradient);
  onGradient?.(gradient);
  releaseWeights(gradient);
  return losses;
}

/** The side effects of a forward pass. */
export interface ForwardSideEffects {
  /** Whether a layer read the RNG key: with another key the result is another one. */
  usedRng: boolean;
  /** In order; their batch statistics are kept until {@linkcode releaseStatsUpdates}. */
  readonly runningStatsUpdates: RunningStatsUpdate[];
}

/** Which images go through a student, and who is told what they leave behind. */
export interface StudentPassOptions {
  /** The index of the first one in the batch of all ranks, see `partStart`. */
  readonly sampleOffset: number;
  /** How many batches they are, one after the other. @default {1} */
  readonly joinedBatches?: number;
  /** Filled in by the pass. @default {null} */
  readonly sideEffects?: ForwardSideEffects | null;
}

/**
 * The context of a student's forward pass.
 *
 * @param domain Of the images: each domain has random draws of its own.
 * @param forwardIndex n, the key of the draws.
 */
export function studentContext(
  seed: number,
  domain: string,
  forwardIndex: number,
  { sampleOffset, joinedBatches = 1, sideEffects = null }: StudentPassOptions,
): ForwardContext {
  const stream = hashStreamName(`dropout/${domain}`);
  const rngKey: RngKey = {
    ...{ seed, stream, iteration: forwardIndex },
    ...{ sampleOffset, joinedBatches },
  };
  if (sideEffects === null) return { training: true, rngKey };
  return {
    training: true,
    get rngKey() {
      sideEffects.usedRng = true;
      return rngKey;
    },
    onRunningStatsUpdate(update) {
      update.batchStatistics.forEach(tf.keep);
      sideEffects.runningStatsUpdates.push(update);
    },
  };
}

/** Frees the batch statistics of updates. */
export function releaseStatsUpdates(updates: readonly RunningStatsUpdate[]): void {
  for (const { batchStatistics } of updates) tf.dispose([...batchStatistics]);
}

/** Adds a loss to that of its name in the log. @returns The loss itself. */
export function recordLoss(
  losses: Map<string, tf.Scalar>,
  name: string,
  loss: tf.Scalar,
): tf.Scalar {
  const before = losses.get(name);
  losses.set(name, tf.keep(before === undefined ? tf.clone(loss) : tf.add(before, loss)));
  before?.dispose();
  return loss;
}

/** Frees the losses of a step that are not logged. */
export function releaseLosses(losses: Losses): void {
  tf.dispose([...losses.values()]);
}
