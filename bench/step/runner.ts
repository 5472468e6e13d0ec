/** One method, ready to do one iteration after another. @module */
import process from "node:process";
import { assertNormalization } from "../../src/config/data.ts";
import { hasSecondMoment } from "../../src/config/optimizer.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import type { HostBatch } from "../../src/core/host_batch.ts";
import * as tf from "../../src/core/tf.ts";
import { releaseWeights } from "../../src/core/weights.ts";
import { openLoader } from "../../src/data/loader.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { exchangesSettled } from "../../src/gpu/exchange.ts";
import { trainingLoaderSpec } from "../../src/prepare/data_specs.ts";
import { withBatchParts } from "../../src/train/batch_parts.ts";
import { createLearner } from "../../src/train/learner_checkpoint.ts";
import { createLossBuffer } from "../../src/train/loss_buffer.ts";
import { buildMethod } from "../../src/train/build_method.ts";
import { uncountedWeights } from "../../src/train/criterion.ts";
import { loadInitialWeights } from "../../src/train/initial_weights.ts";
import { trainedNetwork } from "../../src/train/training_session.ts";
import { deferSubmits, submitEncoded, synchronize } from "../device.ts";

/** A method and its data. */
export interface Runner {
  /**
   * Does the first iteration, which compiles, and those that are recorded.
   *
   * @throws {Error} If it should be replayed and cannot be.
   */
  warmUp(): Promise<IterationCost>;
  /** Does an iteration. */
  run(): Promise<IterationCost>;
  /** Makes the batch of an iteration. @returns Does the iteration. */
  prepare(): Promise<() => Promise<IterationCost>>;
  /** Does an iteration that is encoded first and submitted then. @returns Seconds until that. */
  encode(): Promise<number>;
  /** Frees everything. */
  close(): Promise<void>;
}

/** What an iteration cost, and what came out of it. */
export interface IterationCost {
  /** Until the losses were known, without making the batch. */
  readonly seconds: number;
  /** The same in seconds of the processor, all threads together. */
  readonly cpuSeconds: number;
  readonly losses: Readonly<Record<string, number>>;
}

// More are never made before a replay begins, or is given up.
const MAX_RECORDED_ITERATIONS = 8;

/**
 * Opens a runner on the current backend.
 *
 * @param replayed Whether iterations are recorded and replayed; needs WebGPU.
 * @throws {RangeError} If they cannot be on this backend.
 */
export async function openRunner(config: RunConfig, replayed: boolean): Promise<Runner> {
  if (replayed && tf.getBackend() !== "webgpu") {
    throw new RangeError('Cannot replay on wasm: measure it with "--backend webgpu"');
  }
  // Without workers: they would compute beside what is timed.
  assertNormalization(config.data, "measure a step");
  const singleThreaded = { ...config, data: { ...config.data, numWorkers: 0 } };
  const loader = await openLoader(trainingLoaderSpec(singleThreaded, null));
  const { classes } = loader;
  const network = trainedNetwork(
    buildNetwork(config.model, classes.length, config.data.channels),
    config,
  );
  const student = await loadInitialWeights(network, config.model, config.seed);
  const learner = createLearner(
    network.parameters,
    student,
    true,
    hasSecondMoment(config.optimizer),
  );
  let lastLine = "";
  const log = (line: string) => lastLine = line;
  const method = buildMethod({
    config,
    classes,
    network,
    learner,
    frozenEncoder: null,
    countedWeights: uncountedWeights(config.method, classes), // of no effect on the time
    replay: replayed ? { log, isObserved: () => false } : null,
  });
  const losses = createLossBuffer(config.seed);
  let t = 0;
  const batchesOf = async () => {
    const hosts: HostBatch[] = [];
    for (let i = 0; i < method.batchesPerIteration; i++) {
      hosts.push(await loader.batch(t, i));
    }
    return hosts;
  };
  const advance = async (hosts: readonly HostBatch[]) => {
    const parts = withBatchParts(hosts, config.optimizer.accumulationSteps);
    const batches = parts.map(uploadBatch);
    losses.add(t, [], await method.runIterationAsync(learner, batches, t));
    await exchangesSettled();
    batches.forEach(releaseBatch);
    t++;
  };
  const iterate = (hosts: readonly HostBatch[]) => {
    const batches = hosts.map(uploadBatch);
    losses.add(t, [], method.runIteration(learner, batches, t));
    batches.forEach(releaseBatch);
    t++;
  };
  const prepare = async () => {
    const hosts = await batchesOf();
    return async () => {
      const [from, cpuBefore] = [performance.now(), process.cpuUsage()];
      await advance(hosts);
      const [read] = await losses.read();
      const seconds = (performance.now() - from) / 1000;
      const { user, system } = process.cpuUsage(cpuBefore); // in microseconds
      return { seconds, cpuSeconds: (user + system) / 1e6, losses: read?.losses ?? {} };
    };
  };
  const run = async () => await (await prepare())();
  return {
    run,
    prepare,
    async warmUp() {
      const first = await run();
      for (let i = 0; replayed && i < MAX_RECORDED_ITERATIONS; i++) {
        await run();
        if (lastLine.includes("are replayed from now on")) return first;
        if (lastLine.includes("are not replayed")) break;
      }
      if (replayed) throw new Error(`Cannot measure a replay: ${lastLine}`);
      return first;
    },
    async encode() {
      const hosts = await batchesOf();
      await synchronize();
      const from = performance.now();
      deferSubmits(() => iterate(hosts));
      submitEncoded();
      const seconds = (performance.now() - from) / 1000;
      await losses.read();
      return seconds;
    },
    async close() {
      method.release();
      const { student, teacher, moments } = learner;
      for (const set of [student, teacher, moments.first, moments.second]) {
        if (set !== null) releaseWeights(set);
      }
      await loader.close();
    },
  };
}
