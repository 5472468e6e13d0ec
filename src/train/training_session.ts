/** A run in memory: network, learner and method, fresh or from a checkpoint. @module */
import { hasTeacher } from "../config/method.ts";
import { hasSecondMoment } from "../config/optimizer.ts";
import { parseConfig } from "../config/read.ts";
import type { RunConfig } from "../config/schema.ts";
import { describeEngine, type EngineInfo } from "../core/backend.ts";
import type { ClassInfo } from "../core/host_batch.ts";
import type { Network, Weights } from "../core/network.ts";
import type { ClassStatistics } from "../data/class_statistics.ts";
import { communicator } from "../core/ranks.ts";
import * as tf from "../core/tf.ts";
import { cloneWeights, releaseWeights, weightsFromHost } from "../core/weights.ts";
import { withActivationCheckpointing } from "../models/encoder_decoder.ts";
import type { StepInputs } from "../methods/pseudo_labeler.ts";
import type { Learner } from "../methods/learner.ts";
import {
  type Checkpoint,
  CHECKPOINT_VERSION,
  checkpointChunks,
  type CheckpointMetadata,
  parseCheckpoint,
  splitSections,
} from "../weights/checkpoint.ts";
import { loadCheckpoint, saveCheckpoint } from "../weights/checkpoint_file.ts";
import { parseSafetensors } from "../weights/safetensors.ts";
import { areFinite } from "../optim/finite_weights.ts";
import { buildNetwork } from "../evaluate/build_network.ts";
import type { NetworkFactory } from "../evaluate/custom_network.ts";
import { assertSameData, type DataIdentities } from "./run_data.ts";
import { assertSameRun, pathExists } from "./run_folder.ts";
import { type Evaluations, primaryResults } from "../evaluate/evaluate_network.ts";
import {
  emptyRecord,
  judge,
  resumedRecord,
  type Score,
  stopReason,
} from "./best_score.ts";
import { assertFiniteWeights } from "./loss_buffer.ts";
import {
  createLearner,
  learnerFromTensors,
  learnerToTensors,
} from "./learner_checkpoint.ts";
import { buildMethod, type TrainingMethod } from "./build_method.ts";
import { countedWeights } from "./criterion.ts";
import { loadInitialWeights } from "./initial_weights.ts";
import { lossStateParameters } from "./objectives.ts";
import { describeSelection, withFrozenParts } from "./parameter_selection.ts";
import { versions } from "../core/versions.ts";

/** Everything that one process holds of a run. */
export interface TrainingSession {
  readonly network: Network;
  readonly learner: Learner;
  readonly method: TrainingMethod;
  /** Whether features are kept near those of a frozen encoder. */
  readonly usesFeatureDistance: boolean;
  /** Iterations done. */
  iteration: number;
  /** Names of the files that the last iteration learned from. */
  fileNames: readonly string[];
  /** Called in every step that uses the target, virtual ones too; null: not called. */
  onStep: ((step: StepInputs) => void) | null;
  /**
   * Looks at the weights on a GPU, where a loss need not show what became of them.
   *
   * @throws {LossNotFiniteError} Naming the first weight that is not finite.
   */
  assertFinite(): Promise<void>;
  /** Writes a checkpoint. */
  save(path: string): Promise<void>;
  /** The iteration of the last evaluation that is known to {@linkcode judge}. */
  readonly evaluatedIteration: number;
  /** Stores the figures of an evaluation, and says whether it is the best so far. */
  judge(evaluations: Evaluations): Score;
  /** Why the run ends here; null: it goes on. */
  stopReason(): string | null;
  /** Frees all tensors. */
  release(): void;
}

/** Where a session starts. */
export interface SessionOptions {
  /** A run's newest checkpoint, which may be missing; null: start at the beginning. */
  readonly checkpoint: string | null;
  /** The run's folder, for messages. */
  readonly runPath: string;
  /** What computes. */
  readonly engine: EngineInfo;
  /** What it learns from and is measured on, by part. */
  readonly data: DataIdentities;
  /** Counts the labels, if the loss depends on it. */
  readonly classStatistics: () => Promise<ClassStatistics>;
  /** Whether it may go on with other data. @default {false} */
  readonly acceptChangedData?: boolean;
  /** Called with how it starts. @default {nothing} */
  readonly log?: (line: string) => void;
  /** In place of the network that the configuration describes. */
  readonly makeNetwork?: NetworkFactory | undefined;
}

/**
 * A network as a run trains it: with recomputed activations and frozen parts.
 *
 * @throws {RangeError} If what is to be frozen fits no parameter, or nothing is left to learn.
 */
export function trainedNetwork(
  network: Network,
  { model, optimizer }: RunConfig,
): Network {
  return withFrozenParts(
    model.activationCheckpointing ? withActivationCheckpointing(network) : network,
    optimizer,
  );
}

/**
 * Starts a session at a checkpoint, or at the beginning.
 *
 * @throws If the checkpoint is damaged, or of another run or network.
 */
export async function openTrainingSession(
  config: RunConfig,
  classes: readonly ClassInfo[],
  options: SessionOptions,
): Promise<TrainingSession> {
  const { checkpoint, runPath, engine, data, log = () => {}, makeNetwork } = options;
  const { acceptChangedData = false } = options;
  const { channels } = config.data;
  const plainNetwork = makeNetwork?.(classes.length, channels) ??
    buildNetwork(config.model, classes.length, channels);
  const network = trainedNetwork(plainNetwork, config);
  const { parameters } = network;
  describeSelection(plainNetwork, config.optimizer).forEach(log);
  const resumed = checkpoint === null ? null : await loadRunCheckpoint(checkpoint, log);
  if (resumed !== null) {
    const text = JSON.stringify(resumed.metadata.config ?? null); // JSON is YAML
    assertSameRun(runPath, parseConfig(text, checkpoint ?? runPath), config);
    const changed = assertSameData(
      runPath,
      resumed.metadata.data,
      data,
      acceptChangedData,
    );
    if (changed !== null) log(changed);
    const difference = engineDifference(resumed.metadata.engine, engine);
    if (difference !== null) log(difference);
  }
  const learner = resumed === null
    ? createLearner(
      parameters,
      await loadInitialWeights(network, config.model, config.seed, log),
      hasTeacher(config.method),
      hasSecondMoment(config.optimizer),
      lossStateParameters(config, network),
    )
    : learnerFromTensors(parameters, resumed.tensors, {
      file: checkpoint ?? runPath,
      optimizerSteps: resumed.metadata.optimizerSteps,
      forwardCount: resumed.metadata.forwardCount,
      hasTeacher: hasTeacher(config.method),
      hasSecond: hasSecondMoment(config.optimizer),
      memory: lossStateParameters(config, network),
    });
  const savedImageNet = resumed && splitSections(resumed.tensors).imageNetEncoder;
  const frozen = !usesFeatureDistance(config)
    ? null
    : savedImageNet === null
    ? cloneWeights(encoderWeights(network, learner.student))
    : weightsFromHost(network.encoder.parameters, savedImageNet);
  const classWeights = await countedWeights(
    config.method,
    classes,
    resumed?.metadata.classWeights,
    options.classStatistics,
    log,
  );
  let metrics: CheckpointMetadata["metrics"] = resumed?.metadata.metrics ?? {};
  let best = resumed === null
    ? emptyRecord(config, 0)
    : resumedRecord(config, resumed.metadata, log);

  const session: TrainingSession = {
    network,
    learner,
    method: buildMethod({
      ...{ config, classes, network, learner },
      frozenEncoder: frozen,
      countedWeights: classWeights,
      onStep: (step) => session.onStep?.(step),
      // On wasm there is nothing to gain: its kernels run while the step is described.
      replay: config.replay && tf.getBackend() === "webgpu"
        ? { log, isObserved: () => session.onStep !== null }
        : null,
    }),
    usesFeatureDistance: frozen !== null,
    iteration: resumed?.metadata.iteration ?? 0,
    fileNames: [],
    onStep: null,
    async assertFinite() {
      const { student, teacher } = learner;
      const sets = teacher === null ? [student] : [student, teacher];
      if (tf.getBackend() === "webgpu" && !await areFinite(sets)) await finiteTensors();
    },
    async save(path) {
      const tensors = await finiteTensors();
      await saveCheckpoint(path, { tensors, metadata: metadata() });
    },
    get evaluatedIteration() {
      return best.evaluatedIteration;
    },
    judge(evaluations) {
      const primary = primaryResults(evaluations);
      for (const [split, { mIoU }] of primary) {
        metrics = { ...metrics, [split]: Number.isNaN(mIoU) ? null : mIoU };
      }
      const { score, record } = judge(best, config, primary, session.iteration);
      best = record;
      return score;
    },
    stopReason: () => stopReason(best, config, session.iteration),
    release() {
      session.method.release();
      const { student, teacher, moments, lossState, lastGradient } = learner;
      const sets = [student, teacher, frozen, moments.first, moments.second];
      for (const set of [...sets, lossState, lastGradient]) {
        if (set) releaseWeights(set);
      }
    },
  };
  const finiteTensors = async () => {
    const tensors = await learnerToTensors(parameters, learner, frozen);
    const { iteration, fileNames } = session;
    assertFiniteWeights(tensors, { iteration, fileNames, seed: config.seed });
    return tensors;
  };
  const metadata = (): CheckpointMetadata => ({
    version: CHECKPOINT_VERSION,
    config,
    iteration: session.iteration,
    optimizerSteps: learner.moments.steps,
    forwardCount: learner.forwardCount,
    classes: classes.map(({ name, color: [r, g, b] }) => ({ name, color: [r, g, b] })),
    normalization: {
      mean: [...config.data.normalization.mean],
      std: [...config.data.normalization.std],
    },
    ...{ metrics, best },
    versions: versions(),
    engine,
    data,
    ...(Object.keys(classWeights).length === 0 ? {} : { classWeights }),
  });
  return session;
}

// Rank 0 reads it for all; null: there is none.
async function loadRunCheckpoint(
  path: string,
  log: (line: string) => void,
): Promise<Checkpoint | null> {
  const ranks = communicator();
  const isReader = ranks === null || ranks.rank === 0;
  const own = isReader && await pathExists(path) ? await loadCheckpoint(path, log) : null;
  if (ranks === null) return own;
  const chunks = own === null ? [] : checkpointChunks(own) as Uint8Array<ArrayBuffer>[];
  const bytes = await ranks.broadcast(await new Blob(chunks).bytes());
  return bytes.length === 0
    ? null
    : own ?? parseCheckpoint(parseSafetensors(bytes), path);
}

/** What to say where a run goes on by another engine; null: it is the same, or unknown. */
export function engineDifference(
  saved: EngineInfo | undefined,
  engine: EngineInfo,
): string | null {
  if (saved === undefined) return null;
  const [before, now] = [describeEngine(saved), describeEngine(engine)];
  const threads = engine.name === "WebAssembly" ? engine.threads : saved.threads;
  if (describeEngine({ ...saved, threads }) === now) return null;
  return `computed so far by ${before}, from here on by ${now}: results will differ in ` +
    "their last bits from those of a run without interruption";
}

/** Whether a run keeps features near those of its frozen start. */
export function usesFeatureDistance({ method }: RunConfig): boolean {
  return "featureDistance" in method && method.featureDistance !== null;
}

function encoderWeights(network: Network, weights: Weights): Weights {
  const names = new Set(network.encoder.parameters.map(({ name }) => name));
  return new Map([...weights].filter(([name]) => names.has(name)));
}
