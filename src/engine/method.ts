/** From a method's configuration to one iteration of it. @module */
import { applyStrong, drawStrong } from "../augment/strong.ts";
import { classIds } from "../config/class_ids.ts";
import { isSemi } from "../config/method.ts";
import type { RunConfig } from "../config/schema.ts";
import type { SemiConfig } from "../config/semi_method.ts";
import type { Batch } from "../core/batch.ts";
import { decide } from "../core/decided.ts";
import type { ClassInfo } from "../core/host_batch.ts";
import type { Network, Weights } from "../core/network.ts";
import { createRandom } from "../core/random.ts";
import {
  type DomainAdaptation,
  domainAdaptation,
  type Seen,
} from "../methods/domain_adaptation.ts";
import { featureAnchor } from "../methods/feature_anchor.ts";
import {
  futureSelfTraining,
  futureSlots,
  type LookAhead,
  releaseSlots,
} from "../methods/future_self_training.ts";
import type { Learner, Losses, Objective, Recipe } from "../methods/learner.ts";
import type { Sharing } from "../methods/source_loss.ts";
import { supervised } from "../methods/supervised.ts";
import { descentOf } from "./descent.ts";
import { type Iterate, openReplay, type ReplayOptions } from "./replay.ts";
import { startSemi } from "./semi_method.ts";

type Method = RunConfig["method"];
/** A rule that is not for few labels. */
type AdaptiveMethod = Exclude<Method, SemiConfig>;

/** A method that is ready to run. */
export interface RunningMethod {
  /** Batches per iteration: the real one and those of other futures. */
  readonly batches: number;
  /** Changes the learner by one iteration; the caller releases the losses. */
  iterate(learner: Learner, batches: readonly Batch[], iteration: number): Losses;
  /**
   * The same for every method: `iterate` refuses one whose course depends on what the
   * device finds, as a look-ahead of adaptive depth does.
   */
  advance(
    learner: Learner,
    batches: readonly Batch[],
    iteration: number,
  ): Promise<Losses>;
  /** The encoder's rate at an iteration. */
  rate(iteration: number): number;
  /** Bytes on the device that the method keeps besides the backend's. */
  readonly bytes: number;
  /** Frees what the method itself keeps. */
  release(): void;
}

/** Whether a method has a teacher. */
export function hasTeacher({ name }: Method): boolean {
  return name !== "supervised";
}

/**
 * Makes a method of a configuration.
 *
 * @param frozen The encoder's starting weights, if features are kept near them.
 * @param inspect Told about every evaluation that looks at the target.
 * @param replaying Given if iterations are to be recorded and replayed; needs WebGPU.
 */
export function startMethod(
  config: RunConfig,
  classes: readonly ClassInfo[],
  network: Network,
  learner: Learner,
  frozen: Weights | null,
  inspect: (seen: Seen) => void,
  replaying: ReplayOptions | null = null,
): RunningMethod {
  const { method } = config;
  const { parameters } = network;
  const descent = descentOf(config, parameters);
  if (isSemi(method)) {
    const own = { ...config, method };
    return startSemi(own, network, learner, descent, inspect, replaying);
  }
  const objective = objectiveOf(method, config, classes, network, frozen, inspect);
  const replay = replaying && openReplay(replaying);
  const evaluate = replay?.evaluation(objective.evaluate) ?? objective.evaluate;
  const recipeAt = (iteration: number): Recipe => ({
    parameters,
    ...objective,
    evaluate,
    descend: descent.at(iteration),
  });
  const running = (
    batches: number,
    iterate: Iterate,
    free: () => void,
  ): RunningMethod => {
    const run = replay?.iteration(iterate) ?? iterate;
    return {
      batches,
      rate: descent.rate,
      iterate: run,
      advance: async (...given) => await Promise.resolve(run(...given)),
      get bytes() {
        return replay?.bytes ?? 0;
      },
      release() {
        free();
        replay?.release();
      },
    };
  };
  if (method.name === "supervised") {
    return running(
      1,
      (learner, batches, t) => supervised(learner, batches, t, recipeAt(t)),
      () => {},
    );
  }
  const lookAhead = lookAheadOf(method);
  const slots = futureSlots(learner, lookAhead);
  return running(
    lookAhead.width > 1 ? 1 + lookAhead.width : 1,
    (learner, batches, t) =>
      futureSelfTraining(learner, slots, batches, t, lookAhead, recipeAt(t)),
    () => releaseSlots(slots),
  );
}

function lookAheadOf(method: Exclude<AdaptiveMethod, { name: "supervised" }>): LookAhead {
  const { momentum } = method.teacher;
  if (method.name === "future-self-training") return { ...method, momentum };
  return {
    depth: 0,
    width: 1,
    momentum,
    optimizerState: "restore",
    buffers: "restore",
    teacherClock: "iteration",
    presentStudent: "before",
    firstIteration: "lookahead",
  };
}

// Other methods evaluate a batch once.
function sharingOf(method: Method): Sharing {
  if (method.name === "future-self-training") return method;
  return { reuse: false, shareDropout: false };
}

function objectiveOf(
  method: AdaptiveMethod,
  { seed, data, optimizer: { accumulate } }: RunConfig,
  classes: readonly ClassInfo[],
  network: Network,
  frozen: Weights | null,
  inspect: (seen: Seen) => void,
): Objective {
  const parts = { network, seed, inspect, accumulate, ...sharingOf(method) };
  if (method.name === "supervised" || method.name === "source-only") {
    return domainAdaptation({ ...parts, target: null, anchor: null });
  }
  const { mixing, featureDistance: distance } = method;
  const mix: NonNullable<DomainAdaptation["target"]>["mix"] = (
    batch,
    opinion,
    evaluation,
  ) => {
    const drawn = decide({ host: batch.host, evaluation }, ({ host, evaluation }) => {
      const random = createRandom(seed, "strong", evaluation);
      return drawStrong(host.source.labels, host.batch, mixing, random);
    });
    const images = batch.target?.images ?? batch.source.images;
    return applyStrong(
      { source: batch.source, target: { ...opinion, images } },
      drawn,
      data.normalisation,
    );
  };
  const anchor = distance === null || frozen === null
    ? null
    : featureAnchor(network, frozen, {
      ...distance,
      classes: distance.classes && classIds(distance.classes, classes),
    });
  return domainAdaptation({
    ...parts,
    target: { pseudoLabel: method.pseudoLabel, mix },
    anchor,
  });
}
