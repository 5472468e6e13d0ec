/** An iteration on shapes alone. @module */
import {
  hasTeacher,
  isSemiSupervised,
  lookAheadOf,
  usesTarget,
} from "../config/method.ts";
import { hasSecondMoment } from "../config/optimizer.ts";
import type { RunConfig } from "../config/schema.ts";
import { type Batch, releaseBatch, uploadBatch } from "../core/batch.ts";
import {
  type Allocation,
  dryRun,
  type DryRunOptions,
  metaTensor,
} from "../core/dry_run.ts";
import type { ClassInfo, HostBatch } from "../core/host_batch.ts";
import {
  EVAL_CONTEXT,
  type Network,
  type Parameter,
  type Weights,
} from "../core/network.ts";
import { inFutureGroup, rankCount } from "../core/ranks.ts";
import * as tf from "../core/tf.ts";
import { releaseWeights } from "../core/weights.ts";
import { type Learner, releaseLosses } from "../methods/learner.ts";
import { buildMethod } from "./build_method.ts";
import { uncountedWeights } from "./criterion.ts";
import { lossStateParameters } from "./objectives.ts";

/** What a dry iteration found out. */
export interface DryIteration {
  /** All allocations at the moment when most bytes were allocated. */
  readonly peakAllocations: readonly Allocation[];
  /** The parameters whose gradient is kept for the next iteration. */
  readonly keptNames: readonly string[];
}

/** Who watches a dry iteration. */
export interface DryIterationOptions extends DryRunOptions {
  /**
   * Called before every iteration that it takes: two, where a gradient of the first one is
   * reused in the second.
   */
  readonly onIteration?: () => void;
}

/**
 * Runs an iteration of the method of a run in a dry run; of a run with phases in the last of
 * them, of an adaptive look-ahead at its full depth.
 *
 * @param hasFrozenEncoder Whether features are kept near those of the encoder's start.
 * @throws {Error} If a network of the user's own calls an operation of tfjs whose shape
 * is unknown.
 */
export async function dryIteration(
  config: RunConfig,
  classes: readonly ClassInfo[],
  network: Network,
  hasFrozenEncoder: boolean,
  { onIteration = () => {}, ...options }: DryIterationOptions = {},
): Promise<DryIteration> {
  const { parameters, encoder } = network;
  const trained = parameters.filter(({ trainable }) => trainable);
  const hasSecond = hasSecondMoment(config.optimizer);
  const iteration = mostExpensiveIteration(config);
  const reusesGradient = lookAheadOf(config.method)?.by === "reuse";
  const iterations = reusesGradient ? [iteration, iteration + 1] : [iteration];
  let keptNames: readonly string[] = [];
  const { peakAllocations } = await dryRun(() => {
    const lossState = emptyWeights(lossStateParameters(config, network));
    const first = emptyWeights(trained);
    const moments = {
      steps: 0,
      first,
      second: hasSecond ? emptyWeights(trained) : new Map(),
    };
    const lastGradient = new Map<string, tf.AnyTensor>();
    const learner: Learner = {
      student: emptyWeights(parameters),
      teacher: hasTeacher(config.method) ? emptyWeights(parameters) : null,
      ...{ moments, lossState, lastGradient },
      forwardCount: 0,
    };
    const frozenEncoder = hasFrozenEncoder ? emptyWeights(encoder.parameters) : null;
    const method = buildMethod({
      config: withoutAgreement(config),
      ...{ classes, network, learner, frozenEncoder },
      countedWeights: uncountedWeights(config.method, classes),
    });
    const blank = () => blankBatch(config);
    const batches: Batch[] = Array.from(
      { length: method.batchesPerIteration },
      (_, i) => uploadBatch(i === 0 ? blank() : inFutureGroup(blank)),
    );
    for (const iteration of iterations) {
      onIteration();
      releaseLosses(method.runIteration(learner, batches, iteration));
    }
    keptNames = [...lastGradient.keys()];
    batches.forEach(releaseBatch);
    method.release();
    const sets = [learner.student, learner.teacher, frozenEncoder];
    for (const set of [...sets, lossState, moments.first, moments.second, lastGradient]) {
      if (set !== null) releaseWeights(set);
    }
  }, options);
  return { peakAllocations, keptNames };
}

/**
 * Evaluates images on shapes alone, where a network may refuse their crops: of two
 * resolutions, whose details are slid in evaluation and not in training.
 *
 * @throws {RangeError} If it refuses them, with the setting.
 */
export async function dryEvaluation(
  { model: { multiResolution }, data: { channels, cropSize } }: RunConfig,
  network: Network,
): Promise<void> {
  if (multiResolution === null) return;
  const { detailSize } = multiResolution;
  const height = Math.max(cropSize.height, 2 * detailSize.height);
  const width = Math.max(cropSize.width, 2 * detailSize.width);
  await dryRun(() => {
    const weights = emptyWeights(network.parameters);
    const images = metaTensor([1, height, width, channels]) as tf.Tensor4D;
    tf.tidy(() => void network.forward(weights, images, EVAL_CONTEXT));
    images.dispose();
    releaseWeights(weights);
  });
}

// Nothing can be read back in a dry run, on which an adaptive depth would depend.
function withoutAgreement(config: RunConfig): RunConfig {
  const { method } = config;
  if (!usesTarget(method) || method.lookAhead === null) return config;
  return {
    ...config,
    method: { ...method, lookAhead: { ...method.lookAhead, agreement: null } },
  };
}

// Iteration 0 may be a lesser one, and so are all without pseudo-labels.
function mostExpensiveIteration({ method, iterations }: RunConfig): number {
  if (!isSemiSupervised(method)) return 1;
  const { supervisedOnlyIterations, teacher: { copyIterations } } = method;
  return Math.max(
    1,
    Math.min(supervisedOnlyIterations + copyIterations + 1, iterations - 1),
  );
}

function emptyWeights(parameters: readonly Parameter[]): Weights {
  return new Map(parameters.map(({ name, shape }) => [name, metaTensor(shape)]));
}

function blankBatch({ data, method }: RunConfig): HostBatch {
  const { channels, cropSize: { height, width } } = data;
  const batchSize = data.batchSize / rankCount();
  const pixels = batchSize * height * width;
  const fileNames = Array.from({ length: batchSize }, () => "");
  const images = new Float32Array(channels * pixels);
  const labeled = { fileNames, images, labels: new Uint8Array(pixels) };
  return {
    batchSize,
    height,
    width,
    source: labeled,
    target: usesTarget(method) ? { fileNames, images } : null,
  };
}
