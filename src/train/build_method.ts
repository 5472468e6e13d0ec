/**
 * From a method's configuration to iterations of it.
 *
 * A run goes through phases: a semi-supervised one trains on labels alone, then with a
 * teacher that is a copy of the student, then with the moving average. Every other method
 * has one phase. Each is recorded and replayed on its own.
 *
 * @module
 */
import {
  hasTeacher,
  isSemiSupervised,
  lookAheadOf,
  type MethodConfig,
} from "../config/method.ts";
import type { RunConfig } from "../config/schema.ts";
import type { Batch } from "../core/batch.ts";
import type { ClassInfo } from "../core/host_batch.ts";
import type { Network, Parameter, Weights } from "../core/network.ts";
import { futureBatchIndices, rankCount } from "../core/ranks.ts";
import * as tf from "../core/tf.ts";
import type { StepInputs } from "../methods/pseudo_labeler.ts";
import {
  adaptiveFutureSelfTraining,
  futureSelfTraining,
  type LookAhead,
  lossEvaluations,
} from "../methods/future_self_training.ts";
import { createScratchSets, releaseScratchSets } from "../methods/scratch_sets.ts";
import {
  type EnterFutures,
  type ForwardBackward,
  type Learner,
  type Losses,
  type OptimizerStep,
  realBatch,
  type Recipe,
  type WeightsAndMoments,
} from "../methods/learner.ts";
import { supervised } from "../methods/supervised.ts";
import { headNetwork } from "../models/head_network.ts";
import {
  adamwStep,
  enterAdamWFutures,
  enterSgdFutures,
  sgdStep,
} from "../optim/optimizer.ts";
import { clipGradient } from "../optim/clip_gradient.ts";
import { copyBuffers, copyParameters } from "../optim/ema_update.ts";
import { averageOverRanks, meanGradient } from "../optim/means_over_ranks.ts";
import { learningRateAt } from "../optim/learning_rate.ts";
import type { CountedWeights } from "./criterion.ts";
import { buildObjectives } from "./objectives.ts";
import { lrMultipliersOf } from "./parameter_selection.ts";
import { GRADIENT_NORM } from "./run_files.ts";
import {
  createStepReplay,
  type ReplayOptions,
  type RunIteration,
  type StepReplay,
} from "./step_replay.ts";

/** A method that is ready to run. */
export interface TrainingMethod {
  /** Batches per iteration: the real one and those of the futures that are computed here. */
  readonly batchesPerIteration: number;
  /** Changes the learner by one iteration; the caller releases the losses. */
  runIteration: RunIteration;
  /**
   * The same for every method: `runIteration` refuses one whose course depends on what is
   * read back from the device, as a look-ahead of adaptive depth does.
   */
  runIterationAsync(
    learner: Learner,
    batches: readonly Batch[],
    iteration: number,
  ): Promise<Losses>;
  /** The encoder's learning rate at an iteration. */
  learningRateAt(iteration: number): number;
  /** Bytes on the device beyond the backend's. */
  readonly deviceBytes: number;
  /** Frees what the method itself keeps. */
  release(): void;
}

/** What a method is made of. */
export interface MethodOptions {
  readonly config: RunConfig;
  /** Of the data set, in the order of their ids. */
  readonly classes: readonly ClassInfo[];
  readonly network: Network;
  readonly learner: Learner;
  /** The encoder's starting weights, if features are kept near them. */
  readonly frozenEncoder: Weights | null;
  /**
   * The class weights of the criterion that follow from counts.
   * @default {none}
   */
  readonly countedWeights?: CountedWeights;
  /** Called in every step that uses images without labels. @default {nothing} */
  readonly onStep?: (step: StepInputs) => void;
  /**
   * Given if iterations are to be recorded and replayed; needs WebGPU.
   * @default {null}
   */
  readonly replay?: ReplayOptions | null;
}

/** Iterations of one kind. */
interface Phase {
  readonly name: "supervised" | "teacher-copy" | "ema";
  /** Its first iteration. */
  readonly firstIteration: number;
}

/** Makes the method of a configuration. */
export function buildMethod(
  {
    config,
    classes,
    network,
    learner,
    frozenEncoder,
    countedWeights = {},
    onStep = () => {},
    replay = null,
  }: MethodOptions,
): TrainingMethod {
  const { method, iterations } = config;
  const { parameters } = network;
  const optimizer = buildOptimizer(config, network);
  const lookAhead = lookAheadOptions(method);
  const head = lookAhead.by === "head" ? headNetwork(network) : null;
  if (head !== null && !head.network.parameters.some(({ trainable }) => trainable)) {
    throw new RangeError(
      'Cannot look ahead by head: "optimizer.freeze" keeps all of decoder and heads, and ' +
        'nothing else moves in a virtual step; set "method.lookAhead.by" to another kind',
    );
  }
  const scratchSets = lookAhead.by === "momentum"
    ? null
    : createScratchSets(learner, lookAhead, frozenNames(head?.network.parameters ?? []));
  const hasAdaptiveDepth = lookAhead.agreement !== null;
  const start = isSemiSupervised(method) ? method.supervisedOnlyIterations : 0;
  const copied = isSemiSupervised(method) ? method.teacher.copyIterations : 0;

  let currentIteration = 0; // t, where it does not follow from a forward pass's index
  // Iterations of a fixed depth have so many forward passes, and those before them one each.
  const passes = lossEvaluations(lookAhead);
  const iterationAt = (forwardIndex: number) => {
    if (hasAdaptiveDepth) return currentIteration;
    const later = forwardIndex - start - passes.inFirstIteration;
    if (later < 0) return Math.min(forwardIndex, start);
    return start + 1 + Math.floor(later / passes.perIteration);
  };
  const { supervisedOnly, main, headOnly, ...objectives } = buildObjectives({
    ...{ config, classes, network, learner, frozenEncoder, countedWeights },
    ...{ onStep, iterationAt, head },
    progress: (forwardIndex) => iterationAt(forwardIndex) / iterations,
  });
  const copyStudent = (teacher: Weights, student: Weights) => {
    copyParameters(parameters, teacher, student);
    if (lookAhead.averagesBuffers) copyBuffers(parameters, teacher, student);
  };
  const underCopy =
    (run: ForwardBackward): ForwardBackward => (student, teacher, ...rest) => {
      if (teacher !== null) copyStudent(teacher, student);
      return run(student, teacher, ...rest);
    };

  const buffers = parameters.filter(({ trainable }) => !trainable);
  const joinFutures = ({ weights, moments: { first, second } }: WeightsAndMoments) => {
    // Only another virtual step would begin with the moments.
    const moments = lookAhead.depth > 1 ? [first, second] : [];
    averageOverRanks(parameters, weights, ...moments);
    // Its running statistics are those of the images that it has labeled.
    if (learner.teacher !== null) averageOverRanks(buffers, learner.teacher);
  };
  // Each rank has normalized with its own images.
  const joinStatistics = () => {
    averageOverRanks(buffers, learner.student);
    if (learner.teacher !== null) averageOverRanks(buffers, learner.teacher);
  };

  const phaseAt = (t: number): Phase => {
    const teaches = hasTeacher(method);
    if (!teaches || t < start) return { name: "supervised", firstIteration: 0 };
    if (t < start + copied) return { name: "teacher-copy", firstIteration: start };
    return { name: "ema", firstIteration: start + copied };
  };
  if (replay !== null && hasAdaptiveDepth) {
    replay.log(
      "iterations are not replayed: their look-ahead depth depends on " +
        '"method.lookAhead.agreement"',
    );
  }
  let current: OpenPhase | null = null;
  // Opens the phase of an iteration and closes the one before it.
  const enterPhase = (t: number): OpenPhase => {
    const phase = phaseAt(t);
    if (current?.phase.name === phase.name) return current;
    current?.replay?.release();
    const stepReplay = replay === null || hasAdaptiveDepth
      ? null
      : createStepReplay(replay);
    const objective = phase.name === "supervised" ? supervisedOnly : main;
    const inPhase = (run: ForwardBackward): ForwardBackward => {
      const taught = phase.name === "teacher-copy" ? underCopy(run) : run;
      const whole = withWholeGradient(taught, config.optimizer.clipGradientNorm);
      return stepReplay?.wrapForwardBackward(whole) ?? whole;
    };
    const forwardBackward = inPhase(objective.forwardBackward);
    const headObjective = head && headOnly && {
      parameters: head.network.parameters,
      forwardBackward: inPhase((student, teacher, batch, ...rest) => {
        head.beginPass(batch, teacher);
        return headOnly.forwardBackward(student, teacher, batch, ...rest);
      }),
      clearCache() {
        head.clear();
        headOnly.clearCache();
      },
    };
    const recipeAt = (t: number): Recipe => ({
      parameters,
      ...objective,
      forwardBackward,
      ...headObjective && { headObjective },
      optimizerStep: optimizer.stepAt(t),
      joinFutures: stepReplay?.wrapForwardBackward(joinFutures) ?? joinFutures,
      enterFutures: optimizer.enterFuturesAt(t),
    });
    return current = {
      ...{ phase, replay: stepReplay, recipeAt },
      joinStatistics: rankCount() === 1 || config.model.syncBatchNorm
        ? null
        : stepReplay?.wrapForwardBackward(joinStatistics) ?? joinStatistics,
    };
  };
  const beforeIteration = (learner: Learner, t: number) => {
    currentIteration = t;
    // The trained weights enter the moving average with a decay of 0.
    if (t === start && start > 0 && learner.teacher !== null) {
      copyBuffers(parameters, learner.teacher, learner.student);
    }
  };
  const afterIteration = (learner: Learner, { phase, joinStatistics }: OpenPhase) => {
    joinStatistics?.();
    if (phase.name !== "teacher-copy" || learner.teacher === null) return;
    copyStudent(learner.teacher, learner.student);
  };
  const runIteration: RunIteration = (learner, batches, t) => {
    const open = enterPhase(t);
    const { phase, replay, recipeAt } = open;
    // A phase begins with an iteration like no other.
    const run: RunIteration = (learner, batches, phaseIteration) => {
      const t = phaseIteration + phase.firstIteration;
      beforeIteration(learner, t);
      const recipe = recipeAt(t);
      const losses = phase.name === "supervised"
        ? supervised(learner, realBatch(batches), recipe)
        : futureSelfTraining({
          learner,
          scratch: scratchSets,
          batches,
          iteration: t - start,
          lookAhead,
          recipe,
        });
      afterIteration(learner, open);
      return losses;
    };
    const runOrReplay = replay?.wrapIteration(run) ?? run;
    return runOrReplay(learner, batches, t - phase.firstIteration);
  };

  return {
    batchesPerIteration: 1 + futureBatchIndices(lookAhead.width).length,
    learningRateAt: optimizer.learningRateAt,
    runIteration,
    async runIterationAsync(learner, batches, t) {
      const open = enterPhase(t);
      const { phase, recipeAt } = open;
      if (!hasAdaptiveDepth || phase.name === "supervised") {
        return runIteration(learner, batches, t);
      }
      beforeIteration(learner, t);
      const countBefore = learner.forwardCount;
      const losses = await adaptiveFutureSelfTraining({
        learner,
        scratch: scratchSets,
        batches,
        iteration: t - start,
        lookAhead,
        recipe: recipeAt(t),
      });
      afterIteration(learner, open);
      // All steps but those with labels alone and the real ones.
      const realSteps = t - start + 1;
      const virtualSteps = learner.forwardCount - start - realSteps;
      return new Map([
        ...losses,
        ["depth", tf.scalar(learner.forwardCount - countBefore - 1)],
        ["meanDepth", tf.scalar(virtualSteps / realSteps)],
      ]);
    },
    get deviceBytes() {
      return current?.replay?.deviceBytes ?? 0;
    },
    release() {
      releaseScratchSets(scratchSets);
      objectives.release();
      current?.replay?.release();
    },
  };
}

/** A phase that runs. */
interface OpenPhase {
  readonly phase: Phase;
  readonly replay: StepReplay | null;
  readonly recipeAt: (iteration: number) => Recipe;
  /** Where ranks do not share the statistics of batch norm: averages the running ones. */
  readonly joinStatistics: (() => void) | null;
}

/** What {@linkcode futureSelfTraining} does for a method; of depth 0 without look-ahead. */
export function lookAheadOptions(
  method: MethodConfig,
): LookAhead & { agreement: number | null } {
  const isSemi = isSemiSupervised(method);
  return {
    ...lookAheadOf(method) ?? {
      by: "gradient",
      depth: 0,
      width: 1,
      agreement: null,
      optimizerState: "restore",
      buffers: "restore",
      emaStep: "iteration",
      emaTiming: isSemi ? "after" : "before",
      firstIteration: "lookahead",
    },
    emaDecay: method.name === "supervised" ? 0 : method.teacher.emaDecay,
    averagesBuffers: method.name === "weak-to-strong" &&
      method.teacher.buffers === "average",
    // As published for semi-supervised learning.
    emaDecayAt: isSemi ? "this" : "next",
  };
}

const frozenNames = (parameters: readonly Parameter[]): ReadonlySet<string> =>
  new Set(parameters.filter(({ isFrozen }) => isFrozen).map(({ name }) => name));

// That of all ranks, clipped, in every step, virtual ones too: they are steps of the same
// optimizer.
function withWholeGradient(
  run: ForwardBackward,
  maxNorm: number | null,
): ForwardBackward {
  return (...args) => {
    const { losses, gradient: ofPart } = run(...args);
    const whole = meanGradient(ofPart);
    if (maxNorm === null) return { losses, gradient: whole };
    const { gradient, norm } = clipGradient(whole, maxNorm);
    return { gradient, losses: new Map([...losses, [GRADIENT_NORM, norm]]) };
  };
}

/** The optimizer of a run. */
interface Optimizer {
  /** The encoder's learning rate at an iteration. */
  learningRateAt(iteration: number): number;
  /** The step of an iteration. */
  stepAt(iteration: number): OptimizerStep;
  /** The futures that the moments give in an iteration. */
  enterFuturesAt(iteration: number): EnterFutures;
}

function buildOptimizer(
  { optimizer, iterations }: Pick<RunConfig, "optimizer" | "iterations">,
  network: Network,
): Optimizer {
  const { parameters } = network;
  const lrMultipliers = lrMultipliersOf(network, optimizer);
  const rateAt = (iteration: number) =>
    learningRateAt(optimizer.learningRate, iteration, { ...optimizer, iterations });
  return {
    learningRateAt: rateAt,
    stepAt: (iteration) => (weights, moments, gradient) => {
      const rate = rateAt(iteration);
      if (optimizer.name === "sgd") {
        const options = { ...optimizer, lrMultipliers };
        sgdStep(parameters, weights, moments, gradient, rate, options);
      } else {
        const options = { ...optimizer, lrMultipliers };
        adamwStep(parameters, weights, moments, gradient, rate, options);
      }
    },
    enterFuturesAt: (iteration) => (average, weights, moments, futures) => {
      const sets = [parameters, average, weights, moments, rateAt(iteration)] as const;
      if (optimizer.name === "sgd") {
        enterSgdFutures(...sets, { ...optimizer, lrMultipliers }, futures);
      } else {
        enterAdamWFutures(...sets, { ...optimizer, lrMultipliers }, futures);
      }
    },
  };
}
