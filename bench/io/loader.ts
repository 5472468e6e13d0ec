/** How fast the loader is, and whether a step has to wait for it. @module */
import { setImmediate } from "node:timers/promises";
import { assertNormalization } from "../../src/config/data.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { openLoader } from "../../src/data/loader.ts";
import { trainingLoaderSpec } from "../../src/prepare/data_specs.ts";

/** What was measured. */
export interface IoTime {
  /** Threads that read; 0: the loop itself. */
  readonly workers: number;
  /** Pictures read, cropped and put together, source and target. */
  readonly imagesPerSecond: number;
  /** Share of a loop of simulated steps that is spent waiting, 0 … 1. */
  readonly dataTimeShare: number;
}

/** How long it is measured. */
export interface IoOptions {
  /** Of a simulated step, in seconds. */
  readonly stepSeconds: number;
  /** Simulated steps. */
  readonly steps: number;
}

/** Measures the loader of a configuration, alone and under simulated steps. */
export async function benchIo(
  config: RunConfig,
  { stepSeconds, steps }: IoOptions,
): Promise<IoTime> {
  assertNormalization(config.data, "measure the loader");
  const spec = trainingLoaderSpec(config, null);
  const loader = await openLoader(spec);
  try {
    const perBatch = spec.batchSize * (spec.target === null ? 1 : 2);
    await loader.batch(0); // starts the workers
    const from = performance.now();
    for (let t = 1; t <= steps; t++) await loader.batch(t);
    const loaderSeconds = (performance.now() - from) / 1000;

    let [waited, all] = [0, 0];
    // What was made ahead is used up before a wait counts.
    const SETTLING = 3;
    for (let i = 0; i < steps + SETTLING; i++) {
      const requested = performance.now();
      await loader.batch(steps + 1 + i);
      const received = performance.now();
      busyWait(stepSeconds);
      await setImmediate(); // as the loop of a run does
      if (i < SETTLING) continue;
      waited += received - requested;
      all += performance.now() - requested;
    }
    return {
      workers: spec.numWorkers,
      imagesPerSecond: steps * perBatch / loaderSeconds,
      dataTimeShare: waited / all,
    };
  } finally {
    await loader.close();
  }
}

// Holds the thread, as a step on wasm does.
function busyWait(seconds: number): void {
  const until = performance.now() + 1000 * seconds;
  while (performance.now() < until);
}
