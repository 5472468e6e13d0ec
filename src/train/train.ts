/** The loop around a method: build, train, evaluate, log, save, resume. @module */
import { assertNormalization } from "../config/data.ts";
import { stringifyConfig, withListFolder } from "../config/read.ts";
import { lookAheadWidth } from "../config/method.ts";
import type { RunConfig } from "../config/schema.ts";
import {
  type BackendChoice,
  type BackendInfo,
  type CpuOptions,
  explainGpuError,
  openBackend,
} from "../core/backend.ts";
import { type Batch, releaseBatch, uploadBatch } from "../core/batch.ts";
import * as tf from "../core/tf.ts";
import type { HostBatch } from "../core/host_batch.ts";
import { isOutOfMemory } from "../core/out_of_memory.ts";
import {
  divideFutures,
  fromRankZero,
  futureBatchIndices,
  isTrueOnAnyRank,
  rankCount,
  shareBatchStatistics,
} from "../core/ranks.ts";
import { type Loader, openLoader } from "../data/loader.ts";
import { exchangesSettled } from "../gpu/exchange.ts";
import type { NetworkFactory } from "../evaluate/custom_network.ts";
import type { EvaluationResult } from "../evaluate/evaluate.ts";
import {
  evaluateRun,
  type Evaluations,
  primaryResults,
} from "../evaluate/evaluate_network.ts";
import type { Losses } from "../methods/learner.ts";
import { evaluationSpecs, trainingLoaderSpec } from "../prepare/data_specs.ts";
import { withBatchParts } from "./batch_parts.ts";
import { scoreNote } from "./best_score.ts";
import { configWarnings } from "./config_warnings.ts";
import { dryEvaluation } from "./dry_iteration.ts";
import { type MemoryEstimate, reportMemoryEstimate } from "./estimate_memory.ts";
import { reportLookAheadCost } from "./look_ahead_cost.ts";
import { createLossBuffer, type LossBuffer } from "./loss_buffer.ts";
import {
  keepPanelTensors,
  makePanel,
  type Panel,
  type PanelTensors,
  releasePanelTensors,
} from "./panel.ts";
import {
  type EvaluationLine,
  type LogLine,
  type RunFolder,
  runFolder,
  truncateLines,
} from "./run_files.ts";
import {
  assertReplaceable,
  goesOnAfterStop,
  moveOldRun,
  moveOldRunBack,
  pathExists,
  prepareRunFolder,
  readLists,
  readSummary,
  type RunSummary,
  summarize,
  writeLists,
  writeTextAtomic,
} from "./run_folder.ts";
import { isFirstRank, openRunRecords, type RunRecords } from "./run_records.ts";
import { readCheckpointEngine } from "../weights/checkpoint_file.ts";
import { dataIdentities } from "./run_data.ts";
import { lockRunFolder, type RunLock } from "./run_lock.ts";
import {
  checkData,
  checkReplicas,
  checkStart,
  dividedFutures,
  futureGroupsNote,
  ranksLine,
  threadsOfRank,
} from "./rank_checks.ts";
import { reportData } from "./report_data.ts";
import { createThroughputMeter, type ThroughputMeter } from "./throughput_meter.ts";
import { openTrainingSession, type TrainingSession } from "./training_session.ts";
import { setImmediate } from "node:timers/promises";

/** What is called while a run goes on. All members are optional; none can change the run. */
export interface Observer {
  /** A sentence for people. */
  log?(line: string): void;
  /** Called once, before the first iteration. */
  start?(backend: BackendInfo, iteration: number, config: RunConfig): void;
  /** Called once, before the first iteration, with the memory that iterations will need. */
  memory?(predicted: MemoryEstimate, config: RunConfig): void;
  /** Called on WebGPU as the kernels of an iteration are compiled. */
  compiling?(done: number, total: number): void;
  /** Called after every iteration whose losses are known. */
  iteration?(line: LogLine): void;
  /** Called with the metrics of the primary network on every named data set. */
  evaluation?(iteration: number, results: ReadonlyMap<string, EvaluationResult>): void;
  /** Called with images of an iteration; may write into the folder. */
  panel?(panel: Panel, folder: RunFolder): void | Promise<void>;
}

/**
 * Where and how to run. Where `threads` is "auto", a run of oneDNN that goes on has the
 * number that it had before.
 */
export interface TrainOptions extends CpuOptions {
  /** The run's folder; a run that is in it goes on. */
  readonly out: string;
  /**
   * Where to compute.
   *
   * @default {"auto"}
   */
  readonly backend?: BackendChoice;
  /**
   * Where class statistics and the indexes of archives are kept; see `prepare`.
   *
   * @default {"cache" in the run's folder}
   */
  readonly cache?: string | undefined;
  /** Start over, and keep the old folder under a new name. @default {false} */
  readonly fresh?: boolean;
  /**
   * Go on with a run though its images or labels have changed since it began.
   *
   * @default {false}
   */
  readonly acceptChangedData?: boolean;
  /**
   * Makes a network of your own, in place of the one that the configuration's `model`
   * describes. Name it to `loadNetwork` too.
   */
  readonly makeNetwork?: NetworkFactory;
  /**
   * What ranks do where futures are averaged: "together", all compute each future, or
   * "ranks", a group of them computes each, with the moments and running statistics that all
   * begin with.
   * @default {"together"}
   */
  readonly futures?: "together" | "ranks";
  /** Sees the run; of several ranks, that of the first one alone. */
  readonly observer?: Observer;
  /** Saves and ends the run at the next iteration. */
  readonly signal?: AbortSignal;
}

/** How a call of {@linkcode train} ended. */
export interface TrainResult {
  /** "already finished": by an earlier call, whose summary this is. */
  readonly status: "finished" | "interrupted" | "already finished";
  /** Null for an interrupted run. */
  readonly summary: RunSummary | null;
}

/**
 * Trains, or goes on training, what a configuration describes.
 *
 * A run that goes on computes, bit for bit on the same backend, what it would have
 * computed uninterrupted. With oneDNN its version, the instruction set and the number of
 * threads must be the same, too: where they are not, the log says so.
 *
 * After `openRanks` every rank calls it with the same configuration; each gets an equal part
 * of every batch, all have the same weights, and the first one writes the folder. But for
 * the order of sums the run does not depend on how many there are.
 *
 * @throws If images cannot be normalized, the folder holds another run, or another process
 * trains in it, the data has changed, a file is missing or damaged, the device fails, or a
 * loss is not finite; the newest checkpoint stays as it was.
 */
export async function train(
  given: RunConfig,
  options: TrainOptions,
): Promise<TrainResult> {
  const { out, fresh = false } = options;
  const observer = isFirstRank() ? options.observer ?? {} : {};
  assertNormalization(given.data);
  const folder = runFolder(out);
  const config = fresh ? given : await withListFolder(given, folder.lists);
  if (fresh && isFirstRank()) await assertReplaceable(folder);
  // Asked for by every rank: that all have the same options is checked later.
  const finished = await fromRankZero(async () =>
    fresh ? null : await readSummary(folder, config)
  );
  if (finished !== null && !goesOnAfterStop(finished, config)) {
    if (finished.stopped !== undefined) {
      observer.log?.(
        `${finished.stopped}; to go on: --set evaluation.earlyStopping=null`,
      );
    }
    (await openRunRecords(folder, config.logging.tensorboard))[Symbol.dispose]();
    return { status: "already finished", summary: finished };
  }

  const own = { ...options, observer };
  if (!isFirstRank()) return await trainIn(folder, null, config, own);
  await using lock = await lockRunFolder(folder.path);
  return await trainIn(folder, lock, config, own);
}

// Without a lock for a rank that leaves nothing in the folder.
async function trainIn(
  folder: RunFolder,
  lock: RunLock | null,
  config: RunConfig,
  options: TrainOptions,
): Promise<TrainResult> {
  const { backend = "auto", fresh = false, makeNetwork, signal, native = "off" } =
    options;
  const { observer = {}, cache = folder.cache, acceptChangedData = false } = options;
  const checkpoint = fresh ? null : folder.lastCheckpoint;
  const ofRun = await fromRankZero(() => threadsOfRun(checkpoint, options.threads));
  const threads = threadsOfRank(ofRun);
  const backendInfo = await openBackend(backend, { native, threads });
  const { futures = "together" } = options;
  checkStart(config, backendInfo, { fresh, futures, acceptChangedData });
  shareBatchStatistics(config.model.syncBatchNorm);
  divideFutures(futures === "ranks" ? dividedFutures(config) : null);
  const loaderSpec = trainingLoaderSpec(config, cache);
  const { source, target } = loaderSpec;
  const evaluated = evaluationSpecs(config.data, cache).values();
  const lists = await readLists(folder, [source, target, ...evaluated]);
  const loader = await openLoader(loaderSpec, (done, of) => {
    if (done === of) observer.log?.(`counted the classes of ${of} labels`);
  });
  let session: TrainingSession | null = null;
  try {
    const log = (line: string) => observer.log?.(line);
    configWarnings(config, rankCount()).forEach(log);
    const ranks = ranksLine(config.data.batchSize);
    if (ranks !== null) log(ranks);
    const data = await dataIdentities(await reportData(config, loader, cache, log));
    checkData(data);
    session = await openTrainingSession(config, loader.classes, {
      ...{ log, makeNetwork },
      checkpoint,
      runPath: folder.path,
      engine: backendInfo.engine,
      data,
      classStatistics: loader.classStatistics,
      acceptChangedData,
    });
    const note = futureGroupsNote(session.network);
    if (note !== null) log(note);
    await checkReplicas(session);
    await dryEvaluation(config, session.network);
    if (lock !== null) {
      await startFolder(folder, config, lists, session, { fresh, lock, log });
    }
    observer.start?.(backendInfo, session.iteration, config);
    if (session.iteration < config.iterations) {
      await reportLookAheadCost(config, loader.classes, session, log);
      await reportMemoryEstimate(config, loader.classes, session, observer);
    }
    using records = await openRunRecords(folder, config.logging.tensorboard);
    const listeners = { observer, records };
    const run = { config, folder, cache, loader, session, backendInfo, ...listeners };
    return await trainLoop(run, signal);
  } catch (error) {
    if (backendInfo.name !== "wasm") throw await explainGpuError(error);
    if (!isOutOfMemory(error)) throw error;
    throw new Error(
      "Cannot train this network with WebAssembly: it needs more memory than the 4 GB " +
        "that there can be; use a GPU with --backend webgpu, " +
        '"model.activationCheckpointing: true", a smaller "data.cropSize" or ' +
        '"data.batchSize", or a smaller "model.encoder"',
      { cause: error },
    );
  } finally {
    session?.release();
    await loader.close();
  }
}

// A start that fails leaves the old run where it is.
async function startFolder(
  folder: RunFolder,
  config: RunConfig,
  lists: ReadonlyMap<string, string>,
  { iteration, evaluatedIteration }: TrainingSession,
  { fresh, lock, log }: {
    readonly fresh: boolean;
    readonly lock: RunLock;
    readonly log: (line: string) => void;
  },
): Promise<void> {
  const oldRun = fresh ? await moveOldRun(folder, lock) : null;
  try {
    await prepareRunFolder(folder);
    for (const path of await writeLists(lists)) {
      log(`the list copied to "${path}" has changed: the run goes on with the new one`);
    }
    await writeTextAtomic(folder.config, stringifyConfig(config));
    await truncateLines(folder.log, iteration);
    // The last one belongs to the summary, with which it is made again.
    const kept = Math.min(evaluatedIteration, config.iterations - 1);
    await truncateLines(folder.evaluations, kept);
    // Of an early stop that no longer holds.
    if (await pathExists(folder.summary)) await Deno.remove(folder.summary);
  } catch (error) {
    if (oldRun !== null) await moveOldRunBack(folder, oldRun, lock);
    throw error;
  }
  if (oldRun !== null) log(`the old run is now in ${oldRun}`);
}

// Results of oneDNN depend on the number, so that a run keeps what was chosen for it.
async function threadsOfRun(
  checkpoint: string | null,
  threads: number | "auto" = 1,
): Promise<number | "auto"> {
  if (threads !== "auto" || checkpoint === null) return threads;
  const saved = await readCheckpointEngine(checkpoint);
  return saved?.name === "oneDNN" ? saved.threads : threads;
}

interface TrainContext {
  /** Folder of class statistics and of indexes of archives. */
  readonly cache: string;
  readonly config: RunConfig;
  readonly folder: RunFolder;
  readonly loader: Loader;
  readonly session: TrainingSession;
  readonly observer: Observer;
  readonly backendInfo: BackendInfo;
  readonly records: RunRecords;
}

async function trainLoop(
  run: TrainContext,
  signal: AbortSignal | undefined,
): Promise<TrainResult> {
  const { config, folder, session, observer, backendInfo, records } = run;
  const { iterations, logging, evaluation } = config;
  const losses = createLossBuffer(config.seed);
  const throughput = createThroughputMeter();
  const isDue = (every: number, done: number) => every > 0 && done % every === 0;
  let evaluations: Evaluations | null = null;
  // An earlier call ended within the evaluation of its last iteration.
  if (
    session.iteration < iterations && isDue(evaluation.interval, session.iteration) &&
    session.evaluatedIteration < session.iteration
  ) {
    await evaluateAndUpdateBest(run, false);
    await records.save(session, "last");
  }
  let stopped = session.iteration < iterations ? session.stopReason() : null;

  while (stopped === null && session.iteration < iterations) {
    const hasPanel = observer.panel !== undefined &&
      isDue(logging.imageInterval, session.iteration + 1);
    const drawPanel = await trainIteration(run, losses, throughput, hasPanel);
    await setImmediate(); // on wasm nothing else lets Ctrl-C be heard
    const done = session.iteration;
    const isLast = done === iterations;
    throughput.endIteration();
    const isEvaluating = isLast || isDue(evaluation.interval, done);
    const isStopping = await isTrueOnAnyRank(signal?.aborted === true);
    const isSaving = isLast || isStopping || isDue(logging.checkpointInterval, done);
    // With early stopping an evaluation may turn out to be the last.
    const isLogging = isDue(logging.interval, done) || isLast ||
      (isEvaluating && evaluation.earlyStopping !== null);
    // A read-back of a GPU takes milliseconds; on wasm it is free.
    if (isLogging || backendInfo.name === "wasm" || isSaving || isEvaluating) {
      const line = await logLineOf(losses, session, throughput);
      if (line !== null) {
        observer.iteration?.(line);
        if (isLogging) {
          await session.assertFinite();
          await records.iteration(line);
          throughput.startInterval();
        }
      }
    }
    if (drawPanel !== null) {
      await observer.panel?.(await drawPanel(done), folder);
      await records.picture(done);
    }
    // Before the evaluation, which may take long, and after it, with its figures.
    if (isSaving) {
      await checkReplicas(session);
      await records.save(session, "last");
    }
    if (isEvaluating) {
      evaluations = await evaluateAndUpdateBest(run, isLast);
      stopped = isLast ? null : session.stopReason();
    }
    if (isEvaluating && (isSaving || stopped !== null)) {
      await records.save(session, "last");
    }
    if (isSaving || isEvaluating) throughput.excludeElapsed();
    if (isStopping && !isLast) return { status: "interrupted", summary: null };
  }
  if (stopped !== null) {
    observer.log?.(stopped);
    await records.stop({ iteration: session.iteration, stopped });
    evaluations = await evaluateAtEnd(run);
  } else if (evaluations === null) { // an earlier call ended after the last iteration
    evaluations = await evaluateAndUpdateBest(run, true);
    await records.save(session, "last");
  }
  const summary = summarize(config, backendInfo, evaluations, {
    iterations: session.iteration,
    secondsPerIteration: throughput.overallSecondsPerIteration(),
    stopped,
  });
  await records.summary(summary);
  return { status: "finished", summary };
}

// Evaluates the network by the same protocol throughout the run, and returns the metrics: at
// the end those of whole images.
async function evaluateAndUpdateBest(
  run: TrainContext,
  isLast: boolean,
): Promise<Evaluations> {
  const { config, session, records, cache } = run;
  const { centerCrop } = config.evaluation;
  const usesWholeImages = centerCrop === null;
  const networks = isLast && usesWholeImages ? "both" : "primary";
  const evaluations = await evaluateRun(config, session, {
    networks,
    extent: "center-crop",
    cache,
  });
  const isNew = session.evaluatedIteration < session.iteration;
  const score = session.judge(evaluations);
  await reportEvaluation(run, evaluations, { centerCrop, score });
  const note = scoreNote(config, score);
  if (note !== null) run.observer.log?.(note);
  if (score.isBest && isNew) await records.save(session, "best");
  return isLast && !usesWholeImages ? await evaluateAtEnd(run) : evaluations;
}

// The figures of the summary: of both networks and whole images.
async function evaluateAtEnd(run: TrainContext): Promise<Evaluations> {
  const { config, session, cache } = run;
  const wholeImages = { networks: "both", extent: "whole", cache } as const;
  const final = await evaluateRun(config, session, wholeImages);
  if (config.evaluation.centerCrop !== null) {
    await reportEvaluation(run, final, { centerCrop: null });
  }
  return final;
}

async function reportEvaluation(
  { session: { iteration }, loader, observer, records }: TrainContext,
  evaluations: Evaluations,
  protocol: Pick<EvaluationLine, "centerCrop" | "score">,
): Promise<void> {
  const primary = primaryResults(evaluations);
  observer.evaluation?.(iteration, primary);
  const figure = (value: number) => Number.isNaN(value) ? null : value;
  const results = [...primary].map(([split, { mIoU, pixelAccuracy, classes }]) =>
    [split, {
      mIoU: figure(mIoU),
      pixelAccuracy: figure(pixelAccuracy),
      classes: classes.map(({ name, iou }, id) => {
        const [r, g, b] = loader.classes[id]?.color ?? [0, 0, 0];
        return { name, color: [r, g, b] as const, iou };
      }),
    }] as const
  );
  const line = { iteration, ...protocol, results: Object.fromEntries(results) };
  await records.evaluation(line);
}

// Does one iteration; returns what draws its panel, if one is wanted.
async function trainIteration(
  { config, loader, session }: TrainContext,
  losses: LossBuffer,
  throughput: ThroughputMeter,
  hasPanel: boolean,
): Promise<((done: number) => Promise<Panel>) | null> {
  const t = session.iteration;
  const { data: { normalization, bitDepth }, optimizer: { accumulationSteps }, method } =
    config;
  const hosts: HostBatch[] = [];
  const waitStart = performance.now();
  for (const i of [0, ...futureBatchIndices(lookAheadWidth(method))]) {
    hosts.push(await loader.batch(t, i));
  }
  throughput.addDataTime((performance.now() - waitStart) / 1000);
  const batches: Batch[] = withBatchParts(hosts, accumulationSteps).map(uploadBatch);
  let panelTensors: PanelTensors | null = null;
  // Virtual steps call it too; the last call is from the real step.
  session.onStep = hasPanel
    ? (step) => {
      if (panelTensors !== null) releasePanelTensors(panelTensors);
      panelTensors = keepPanelTensors(step);
    }
    : null;
  let iterationLosses: Losses;
  try {
    iterationLosses = await session.method.runIterationAsync(session.learner, batches, t);
  } catch (error) {
    if (panelTensors !== null) releasePanelTensors(panelTensors);
    throw error;
  }
  await exchangesSettled();
  session.iteration++;
  const width = lookAheadWidth(method);
  const names = Array.from(
    { length: width > 1 ? 1 + width : 1 },
    (_, i) => loader.fileNames(t, i),
  ).flat();
  session.fileNames = names;
  losses.add(t, names, iterationLosses);
  const [realBatch] = batches;
  const draw = !hasPanel || realBatch === undefined ? null : async (done: number) => {
    const { network, learner } = session;
    const { classes } = loader;
    const panelInfo = { iteration: done, classes, normalization, bitDepth };
    const panel = await makePanel(
      panelInfo,
      network,
      learner.student,
      realBatch,
      panelTensors,
    );
    if (panelTensors !== null) releasePanelTensors(panelTensors);
    return panel;
  };
  batches.forEach(releaseBatch);
  return draw;
}

async function logLineOf(
  losses: LossBuffer,
  session: TrainingSession,
  throughput: ThroughputMeter,
): Promise<LogLine | null> {
  const records = await losses.read();
  const newest = records[records.length - 1];
  if (newest === undefined) return null;
  return {
    iteration: newest.iteration + 1,
    losses: newest.losses,
    learningRate: session.method.learningRateAt(newest.iteration),
    secondsPerIteration: throughput.secondsPerIteration(),
    dataTimeShare: throughput.dataTimeShare(),
    residentBytes: Deno.memoryUsage().rss,
    ...deviceMemory(),
  };
}

// On a CPU, tensors are a part of the process.
function deviceMemory(): Pick<LogLine, "deviceBytes"> {
  const { numBytesAllocatedInGPU } = tf.memory() as { numBytesAllocatedInGPU?: number };
  return numBytesAllocatedInGPU === undefined
    ? {}
    : { deviceBytes: numBytesAllocatedInGPU };
}
