/** The loop around a method: build, train, evaluate, log, save, resume. @module */
import { setImmediate } from "node:timers/promises";
import { writeConfig } from "../config/read.ts";
import type { RunConfig } from "../config/schema.ts";
import { type BackendChoice, type BackendInfo, openBackend } from "../core/backend.ts";
import { type Batch, releaseBatch, uploadBatch } from "../core/batch.ts";
import type { HostBatch } from "../core/host_batch.ts";
import { isOutOfMemory } from "../core/out_of_memory.ts";
import { type Loader, openLoader } from "../data/loader.ts";
import type { Losses } from "../methods/learner.ts";
import { type EvaluationResult } from "./evaluate.ts";
import { evaluateAll, type Evaluations, judgedOf } from "./evaluations.ts";
import { loaderSpec } from "./data.ts";
import { type LossLog, openLossLog } from "./loss_log.ts";
import { foretell, type PredictedMemory } from "./memory.ts";
import type { MakeNetwork } from "./own_network.ts";
import {
  keepForPanel,
  makePanel,
  type Panel,
  type PanelTensors,
  releasePanelTensors,
} from "./panel.ts";
import {
  appendLog,
  keepOldRun,
  makeFolder,
  rewindLog,
  type RunFolder,
  runFolder,
  writeText,
} from "./run_folder.ts";
import { runNotes } from "./run_notes.ts";
import { openSession, type Session } from "./session.ts";
import { type Stopwatch, stopwatch } from "./stopwatch.ts";
import { readSummary, type RunSummary, summarise } from "./summary.ts";

/** One line of the log. */
export interface LogLine {
  /** Iterations done. */
  readonly iteration: number;
  /** By name, those of the real step. */
  readonly losses: Readonly<Record<string, number>>;
  /** The encoder's learning rate. */
  readonly rate: number;
  /** Mean since the last line. */
  readonly secondsPerIteration: number;
  /** Share of that time in which the loop waited for data, 0 … 1. */
  readonly waiting: number;
}

/** Whoever wants to see a run. All are optional; none can change the run. */
export interface Observer {
  /** A sentence for people. */
  log?(line: string): void;
  /** Told once, before the first iteration. */
  start?(backend: BackendInfo, iteration: number, config: RunConfig): void;
  /** Told once, before the first iteration, what iterations will need. */
  memory?(predicted: PredictedMemory, config: RunConfig): void;
  /** Told after every iteration whose losses are known. */
  iteration?(line: LogLine): void;
  /** Told the figures that the run is for on every named data set. */
  evaluation?(iteration: number, results: ReadonlyMap<string, EvaluationResult>): void;
  /** Told what an iteration looked like; may write into the folder. */
  panel?(panel: Panel, folder: RunFolder): void | Promise<void>;
}

/** Where and how to run. */
export interface TrainOptions {
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
   * @default {the run's folder}
   */
  readonly cache?: string | undefined;
  /** Start over, and keep the old folder under a new name. @default {false} */
  readonly fresh?: boolean;
  /**
   * Makes a network of your own, in place of the one that the configuration's `model`
   * describes. Name it to `loadNetwork` too.
   */
  readonly network?: MakeNetwork;
  /** Sees the run. */
  readonly observer?: Observer;
  /** Saves and ends the run at the next iteration. */
  readonly signal?: AbortSignal;
}

/** How a call of {@linkcode train} ended. */
export interface TrainResult {
  /** "was finished": by an earlier call, whose summary this is. */
  readonly status: "finished" | "interrupted" | "was finished";
  /** Null for an interrupted run. */
  readonly summary: RunSummary | null;
}

/**
 * Trains, or goes on training, what a configuration describes.
 *
 * A run that goes on computes, bit for bit on the same backend, what it would have
 * computed uninterrupted.
 *
 * @throws If the folder holds another run, a file is missing or damaged, the device
 * fails, or a loss is not finite; the newest checkpoint stays as it was.
 */
export async function train(
  config: RunConfig,
  options: TrainOptions,
): Promise<TrainResult> {
  const { out, backend = "auto", fresh = false, network, signal } = options;
  const { observer = {} } = options;
  const folder = runFolder(out);
  const cache = options.cache ?? folder.cache;
  if (fresh) {
    const kept = await keepOldRun(folder);
    if (kept !== null) observer.log?.(`the old run is now in ${kept}`);
  }
  const finished = await readSummary(folder, config);
  if (finished !== null) return { status: "was finished", summary: finished };

  const info = await openBackend(backend);
  const loader = await openLoader(loaderSpec(config, cache), (done, of) => {
    if (done === of) observer.log?.(`counted the classes of ${of} labels`);
  });
  let session: Session | null = null;
  try {
    const log = (line: string) => observer.log?.(line);
    [...loader.notes, ...runNotes(config)].forEach(log);
    session = await openSession(config, folder, loader.classes, log, network);
    await makeFolder(folder);
    await writeText(folder.config, writeConfig(config));
    await rewindLog(folder, session.iteration);
    observer.start?.(info, session.iteration, config);
    if (session.iteration < config.iterations) {
      await foretell(config, loader.classes, session, observer);
    }
    const run = { config, folder, cache, loader, session, observer, info };
    return await loop(run, signal);
  } catch (error) {
    if (info.name !== "wasm" || !isOutOfMemory(error)) throw error;
    throw new Error(
      "Cannot train this network with WebAssembly: it needs more memory than the 4 GB " +
        'that there can be; use a GPU with --backend webgpu, "model.recompute: true", ' +
        'a smaller "data.crop" or "data.batch", or a smaller "model.encoder"',
      { cause: error },
    );
  } finally {
    session?.release();
    await loader.close();
  }
}

interface Run {
  /** Where it is kept what was found out about data sets. */
  readonly cache: string;
  readonly config: RunConfig;
  readonly folder: RunFolder;
  readonly loader: Loader;
  readonly session: Session;
  readonly observer: Observer;
  readonly info: BackendInfo;
}

async function loop(run: Run, signal: AbortSignal | undefined): Promise<TrainResult> {
  const { config, folder, session, observer, info } = run;
  const { iterations, logging, evaluation } = config;
  const losses = openLossLog(config.seed);
  const pace = stopwatch();
  const due = (every: number, done: number) => every > 0 && done % every === 0;
  let measured: Evaluations | null = null;

  while (session.iteration < iterations) {
    const pictured = due(logging.pictures, session.iteration + 1);
    const seen = await oneIteration(run, losses, pace, pictured);
    await setImmediate(); // on wasm nothing else lets Ctrl-C be heard
    const done = session.iteration;
    const last = done === iterations;
    pace.lap();
    const measuring = last || due(evaluation.every, done);
    const stopping = signal?.aborted === true;
    const saving = last || stopping || due(logging.checkpoint, done);
    const logged = due(logging.every, done) || last;
    // A read-back of a GPU takes milliseconds; on wasm it is free.
    if (logged || info.name === "wasm" || saving || measuring) {
      const line = await lineOf(losses, session, pace);
      if (line !== null) {
        observer.iteration?.(line);
        if (logged) {
          await appendLog(folder, line);
          pace.restart();
        }
      }
    }
    if (seen !== null) await observer.panel?.(await seen(done), folder);
    // Before the evaluation, which may take long, and after it, with its figures.
    if (saving) await session.save(folder.last);
    if (measuring) {
      measured = await measure(run, last);
    }
    if (saving && measuring) await session.save(folder.last);
    if (saving || measuring) pace.skip();
    if (stopping && !last) return { status: "interrupted", summary: null };
  }
  if (measured === null) { // an earlier call ended after the last iteration
    measured = await measure(run, true);
    await session.save(folder.last);
  }
  const summary = summarise(config, info, measured, pace.overall());
  await writeText(folder.summary, `${JSON.stringify(summary, null, 2)}\n`);
  return { status: "finished", summary };
}

// Rates the network, by the same measure all through the run, and returns its figures: at
// the end those of whole pictures.
async function measure(
  { config, session, observer, folder, cache }: Run,
  last: boolean,
): Promise<Evaluations> {
  const whole = config.evaluation.centre === null;
  const networks = last && whole ? "both" : "judged";
  const rated = await evaluateAll(config, session, {
    networks,
    pictures: "centre",
    cache,
  });
  observer.evaluation?.(session.iteration, judgedOf(rated));
  await session.rate(rated, folder);
  if (!last || whole) return rated;
  const all = { networks: "both", pictures: "whole", cache } as const;
  const final = await evaluateAll(config, session, all);
  observer.evaluation?.(session.iteration, judgedOf(final));
  return final;
}

// Does one iteration; returns what draws its panel, if one is wanted.
async function oneIteration(
  { config: { data: { normalisation } }, loader, session }: Run,
  losses: LossLog,
  pace: Stopwatch,
  pictured: boolean,
): Promise<((done: number) => Promise<Panel>) | null> {
  const t = session.iteration;
  const hosts: HostBatch[] = [];
  const asked = performance.now();
  for (let i = 0; i < session.method.batches; i++) hosts.push(await loader.batch(t, i));
  pace.waited((performance.now() - asked) / 1000);
  const batches: Batch[] = hosts.map(uploadBatch);
  let kept: PanelTensors | null = null;
  // Virtual steps are inspected too; the last one inspected is the real one.
  session.inspect = pictured
    ? (seen) => {
      if (kept !== null) releasePanelTensors(kept);
      kept = keepForPanel(seen);
    }
    : null;
  const found: Losses = await session.method.advance(session.learner, batches, t);
  session.iteration++;
  const names = hosts.flatMap(({ source, target }) => [
    ...source.names,
    ...(target?.names ?? []),
  ]);
  session.names = names;
  losses.add(t, names, found);
  const [real] = batches;
  const draw = !pictured || real === undefined ? null : async (done: number) => {
    const { network, learner } = session;
    const about = { iteration: done, classes: loader.classes, normalisation };
    const panel = await makePanel(about, network, learner.student, real, kept);
    if (kept !== null) releasePanelTensors(kept);
    return panel;
  };
  batches.forEach(releaseBatch);
  return draw;
}

async function lineOf(
  losses: LossLog,
  session: Session,
  pace: Stopwatch,
): Promise<LogLine | null> {
  const records = await losses.read();
  const newest = records[records.length - 1];
  if (newest === undefined) return null;
  return {
    iteration: newest.iteration + 1,
    losses: newest.losses,
    rate: session.method.rate(newest.iteration),
    secondsPerIteration: pace.mean(),
    waiting: pace.waiting(),
  };
}
