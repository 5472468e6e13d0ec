// Small runs with all that a batch has to do with: batch norm, dropout, mixing, rare class
// sampling; by SGD, since AdamW divides rounding by itself where a gradient is 0. As a
// program: one of the ranks that mpirun has started, with a backend, what is done with
// futures, a folder and names of runs.
import { join } from "node:path";
import { openRanks } from "../../src/distributed/open_ranks.ts";
import { train, type TrainOptions } from "../../src/train/train.ts";
import { tinyConfig } from "../support/commands.ts";

const METHODS = {
  "self-training": "{ name: self-training, teacher: { emaDecay: 0.9 } }",
  deep: "{ name: self-training, lookAhead: { depth: 2, width: 1 } }",
  wide: "{ name: self-training, lookAhead: { depth: 1, width: 2 } }",
  "own-statistics": "{ name: self-training, teacher: { emaDecay: 0.9 } }",
  "mean-teacher":
    "{ name: mean-teacher, perturbation: { name: cutmix, probability: 1 } }",
  "weak-to-strong": "{ name: weak-to-strong, confidenceThreshold: 0.12 }",
};

/** One of the runs. */
export type RunName = keyof typeof METHODS;

const OPTIONS = [
  "iterations=10",
  "model.encoder.dropPathRate=0.1",
  "model.decoder={ name: segformer, channels: 16, dropout: 0.1 }",
  "data.batchSize=4",
  "data.numWorkers=0",
  "data.rareClassSampling={ minPixels: 10 }",
  "data.evaluations={ worn: { domain: worn, images: 3 } }",
  "optimizer={ name: sgd, learningRate: 0.02, warmupIterations: 2 }",
  "logging.checkpointInterval=5",
];

/**
 * Trains, each run in a folder of its name. That all ranks have the same bits is checked by
 * every run itself, with each checkpoint.
 */
export async function trainRuns(
  folder: string,
  names: readonly RunName[],
  options: Pick<TrainOptions, "backend" | "futures">,
): Promise<void> {
  for (const name of names) {
    const sync = `model.syncBatchNorm=${name !== "own-statistics"}`;
    const config = tinyConfig(`method=${METHODS[name]}`, sync, ...OPTIONS);
    await train(config, { ...options, out: join(folder, name) });
  }
}

if (import.meta.main) {
  const [backend, futures, folder = "", ...names] = Deno.args;
  const ranks = await openRanks();
  const options = { backend, futures } as Pick<TrainOptions, "backend" | "futures">;
  await trainRuns(folder, names as RunName[], options);
  await ranks?.finalize();
  Deno.exit();
}
