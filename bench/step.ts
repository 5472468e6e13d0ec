/** Seconds per iteration of each method, measured in turns in one process. @module */
import type { RunConfig } from "../src/config/schema.ts";
import {
  type BackendChoice,
  type BackendInfo,
  openBackend,
} from "../src/core/backend.ts";
import { releaseBatch, uploadBatch } from "../src/core/batch.ts";
import { releaseWeights } from "../src/core/weights.ts";
import { openLoader } from "../src/data/loader.ts";
import { buildNetwork } from "../src/engine/build.ts";
import { loaderSpec } from "../src/engine/data.ts";
import { freshLearner } from "../src/engine/learner_file.ts";
import { openLossLog } from "../src/engine/loss_log.ts";
import { startMethod } from "../src/engine/method.ts";
import { startingWeights } from "../src/engine/pretrained.ts";
import { METHODS, withMethod } from "./methods_compared.ts";

/** One method's time. */
export interface StepTime {
  readonly method: string;
  /** Median over the rounds, in seconds per iteration. */
  readonly seconds: number;
  /** Median of the ratio to self-training of the same round. */
  readonly ratio: number;
}

const BASELINE = "self-training";

/**
 * Times iterations of every method on the same data; a round times each once, so that a
 * machine that gets slower slows all of them.
 *
 * @param rounds Rounds that count; one more comes first, to warm up.
 */
export async function benchStep(
  config: RunConfig,
  backend: BackendChoice,
  rounds: number,
  names: readonly string[] = Object.keys(METHODS),
): Promise<{ backend: BackendInfo; times: StepTime[] }> {
  const info = await openBackend(backend);
  const runners = await Promise.all(names.map(async (name) => ({
    name,
    once: await runner(withMethod(config, name)),
    seconds: [] as number[],
  })));
  for (let round = -1; round < rounds; round++) {
    for (const { once, seconds } of runners) {
      const spent = await once.run();
      if (round >= 0) seconds.push(spent);
    }
  }
  await Promise.all(runners.map(({ once }) => once.close()));
  const base = runners.find(({ name }) => name === BASELINE)?.seconds ?? [];
  const times = runners.map(({ name, seconds }) => ({
    method: name,
    seconds: median(seconds),
    ratio: median(seconds.map((one, i) => one / (base[i] ?? NaN))),
  }));
  return { backend: info, times };
}

async function runner(config: RunConfig) {
  const workers = { ...config, data: { ...config.data, workers: 0 } };
  const loader = await openLoader(loaderSpec(workers, null));
  const network = buildNetwork(config.model, loader.classes.length);
  const student = await startingWeights(network, config.model, config.seed);
  const learner = freshLearner(network.parameters, student, true);
  const method = startMethod(config, loader.classes, network, learner, null, () => {});
  const losses = openLossLog(config.seed);
  let t = 0;
  return {
    async run() {
      const hosts = [];
      for (let i = 0; i < method.batches; i++) hosts.push(await loader.batch(t, i));
      const from = performance.now();
      const batches = hosts.map(uploadBatch);
      losses.add(t, [], method.iterate(learner, batches, t));
      await losses.read();
      batches.forEach(releaseBatch);
      t++;
      return (performance.now() - from) / 1000;
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

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}
