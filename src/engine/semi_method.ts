/**
 * A rule for few labels, ready to run: iterations with labels alone, then those in which
 * the teacher has a say. Each phase is recorded and replayed on its own.
 *
 * @module
 */
import type { RunConfig } from "../config/schema.ts";
import type { SemiConfig } from "../config/semi_method.ts";
import type { Batch } from "../core/batch.ts";
import type { Network } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import type { Seen } from "../methods/domain_adaptation.ts";
import {
  adaptiveFutureSelfTraining,
  futureSelfTraining,
  futureSlots,
  type LookAhead,
  releaseSlots,
} from "../methods/future_self_training.ts";
import { labelledOnly } from "../methods/labelled_loss.ts";
import type { Learner, Losses, Objective, Recipe } from "../methods/learner.ts";
import { supervised } from "../methods/supervised.ts";
import { copyBuffers, copyTrained } from "../optim/average.ts";
import { type Descent } from "./descent.ts";
import type { RunningMethod } from "./method.ts";
import { type Iterate, openReplay, type Replay, type ReplayOptions } from "./replay.ts";
import { startContrast } from "./semi_contrast.ts";
import { criterionOf, semiObjective } from "./semi_objective.ts";

/** Iterations of one kind. */
interface Phase {
  readonly name: "supervised" | "shared" | "taught";
  /** Its first iteration. */
  readonly from: number;
}

/**
 * Makes the method.
 *
 * @param inspect Told about every evaluation that looks at images without labels.
 * @param replaying Given if iterations are to be recorded and replayed; needs WebGPU.
 */
export function startSemi(
  config: Omit<RunConfig, "method"> & { readonly method: SemiConfig },
  network: Network,
  learner: Learner,
  descent: Descent,
  inspect: (seen: Seen) => void,
  replaying: ReplayOptions | null,
): RunningMethod {
  const { method, seed, iterations, data } = config;
  const { parameters } = network;
  const { supervisedIterations: start, teacher: { sharedIterations } } = method;
  const phaseAt = (t: number): Phase => {
    if (t < start) return { name: "supervised", from: 0 };
    if (t < start + sharedIterations) return { name: "shared", from: start };
    return { name: "taught", from: start + sharedIterations };
  };
  const lookAhead = lookAheadOf(method);
  const slots = futureSlots(learner, lookAhead);
  const adaptive = (lookAhead.agreement ?? null) !== null;
  let now = 0; // t, where it does not follow from the number of an evaluation
  // An iteration of a fixed depth has so many evaluations, and those before it one each.
  const each = lookAhead.depth * lookAhead.width + 1;
  const clock = (evaluation: number) =>
    adaptive ? now : start + Math.floor((evaluation - start) / each);
  const progress = (evaluation: number) => clock(evaluation) / iterations;
  const contrast = startContrast(config, network, learner, clock);
  const labelled = labelledOnly(network, seed, criterionOf(method));
  const taught = semiObjective(method, {
    ...{ network, seed, data, inspect, progress, contrast },
  });
  const shared: Objective = {
    ...taught,
    evaluate(student, teacher, ...rest) {
      if (teacher !== null) copyTrained(parameters, teacher, student);
      return taught.evaluate(student, teacher, ...rest);
    },
  };
  const objectives = { supervised: labelled, shared, taught };

  const reason = unreplayable(method);
  if (replaying !== null && reason !== null) {
    replaying.log(`iterations are not replayed: ${reason}`);
  }
  const replayed = reason === null ? replaying : null;
  let open: { phase: Phase; replay: Replay | null; recipe: RecipeAt } | null = null;
  // Opens the phase of an iteration and closes the one before it.
  const enter = (t: number) => {
    const phase = phaseAt(t);
    if (open?.phase.name === phase.name) return open;
    open?.replay?.release();
    const replay = replayed && openReplay(replayed);
    const objective = objectives[phase.name];
    const evaluate = replay?.evaluation(objective.evaluate) ?? objective.evaluate;
    const recipe: RecipeAt = (t) => ({
      parameters,
      ...objective,
      evaluate,
      descend: descent.at(t),
    });
    return open = { phase, replay, recipe };
  };
  const begin = (learner: Learner, t: number) => {
    now = t;
    // The trained weights enter with a momentum of 0.
    if (t === start && start > 0 && learner.teacher !== null) {
      copyBuffers(parameters, learner.teacher, learner.student);
    }
  };
  const end = (learner: Learner, { name }: Phase) => {
    if (name !== "shared" || learner.teacher === null) return;
    copyTrained(parameters, learner.teacher, learner.student);
  };
  const once = (
    learner: Learner,
    batches: readonly Batch[],
    t: number,
    phase: Phase,
    recipe: Recipe,
  ): Losses => {
    begin(learner, t);
    const losses = phase.name === "supervised"
      ? supervised(learner, batches, t, recipe)
      : futureSelfTraining(learner, slots, batches, t - start, lookAhead, recipe);
    end(learner, phase);
    return losses;
  };
  const iterate: Iterate = (learner, batches, t) => {
    const { phase, replay, recipe } = enter(t);
    // A phase begins with an iteration like no other.
    const run: Iterate = (learner, batches, local) => {
      const t = local + phase.from;
      return once(learner, batches, t, phase, recipe(t));
    };
    return (replay?.iteration(run) ?? run)(learner, batches, t - phase.from);
  };

  return {
    batches: lookAhead.width > 1 ? 1 + lookAhead.width : 1,
    rate: descent.rate,
    iterate,
    async advance(learner, batches, t) {
      const { phase, recipe } = enter(t);
      if (!adaptive || phase.name === "supervised") return iterate(learner, batches, t);
      begin(learner, t);
      const before = learner.evaluations;
      const losses = await adaptiveFutureSelfTraining(
        learner,
        slots,
        batches,
        t - start,
        lookAhead,
        recipe(t),
      );
      end(learner, phase);
      // All evaluations but those with labels alone and the real ones.
      const taughtOnes = t - start + 1;
      const virtual = learner.evaluations - start - taughtOnes;
      return new Map([
        ...losses,
        ["depth", tf.scalar(learner.evaluations - before - 1)],
        ["meanDepth", tf.scalar(virtual / taughtOnes)],
      ]);
    },
    get bytes() {
      return open?.replay?.bytes ?? 0;
    },
    release() {
      releaseSlots(slots);
      contrast?.memory.release();
      open?.replay?.release();
    },
  };
}

type RecipeAt = (iteration: number) => Recipe;

/** Why the iterations of a method cannot be replayed; null if they can. */
function unreplayable(method: SemiConfig): string | null {
  if ((method.lookAhead?.agreement ?? null) !== null) {
    return 'how deep they look depends on "method.lookAhead.agreement"';
  }
  return null;
}

function lookAheadOf({ lookAhead, teacher }: SemiConfig): LookAhead {
  return {
    ...{ optimizerState: "restore", buffers: "restore", presentStudent: "after" },
    ...(lookAhead ?? { depth: 0, width: 1 }),
    momentum: teacher.momentum,
    teacherClock: "iteration",
    lateMomentum: "this",
    firstIteration: "lookahead",
  };
}
