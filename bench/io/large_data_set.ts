/** How long very many files take before a run's first step, and how much memory. @module */
import { join } from "node:path";
import process from "node:process";
import { IMAGENET } from "../../src/core/host_batch.ts";
import { classStatistics } from "../../src/data/class_statistics.ts";
import { openDataSet } from "../../src/data/open_data_set.ts";
import { openLoader } from "../../src/data/loader.ts";
import { hardwareThreads, scanClassCounts } from "../../src/data/scan.ts";
import { heapBytes, watchResident } from "./memory.ts";
import { largeDataSetSpec, writeLargeFolder } from "./large_folder.ts";

/** One thing that a run does before its first step. */
export interface StageCost {
  readonly name: string;
  readonly seconds: number;
  /** Resident memory of the process after it, in bytes. */
  readonly resident: number;
  /** How much more than before was resident at a time, in bytes. */
  readonly growth: number;
  /** The most that was resident until its end, in bytes. */
  readonly peak: number;
  /** What the main thread keeps after a collection, less what it kept before all, in bytes. */
  readonly heapGrowth: number;
}

/** What was measured. */
export interface LargeDataSetTimes {
  readonly pictures: number;
  readonly workers: number;
  /** Resident memory before, in bytes. */
  readonly residentBefore: number;
  readonly stages: readonly StageCost[];
}

/**
 * Makes a data set of `count` pictures, measures and removes it.
 *
 * @param out Where to put it; null: in the folder for temporary files.
 */
export async function benchLargeDataSet(
  count: number,
  out: string | null,
  log: (line: string) => void,
): Promise<LargeDataSetTimes> {
  if (out !== null) await Deno.mkdir(out, { recursive: true });
  const root = await Deno.makeTempDir({
    prefix: "fst_large_",
    ...(out === null ? {} : { dir: out }),
  });
  try {
    log(`writing ${count} pairs of files into ${root}`);
    writeLargeFolder(root, count);
    return await measure(root, count);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function measure(root: string, pictures: number): Promise<LargeDataSetTimes> {
  const spec = largeDataSetSpec(root);
  const cache = join(root, "cache");
  const workers = hardwareThreads();
  const keptBefore = heapBytes();
  const residentBefore = Deno.memoryUsage().rss;
  const stages: StageCost[] = [];
  const stage = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const start = Deno.memoryUsage().rss;
    const watch = watchResident();
    const from = performance.now();
    const result = await work();
    const seconds = (performance.now() - from) / 1000;
    const growth = watch.stop() - start;
    const resident = Deno.memoryUsage().rss;
    const peak = 1024 * process.resourceUsage().maxRSS;
    const heapGrowth = heapBytes() - keptBefore;
    stages.push({ name, seconds, resident, growth, peak, heapGrowth });
    return result;
  };

  const dataSet = await stage("list", () => openDataSet(spec));
  const statistics = () =>
    classStatistics(
      dataSet,
      cache,
      (dataSet) => scanClassCounts(spec, dataSet, { workers }),
    );
  await stage("count classes", statistics);
  await stage("find the counts", statistics);
  await stage("first batch, counts known", async () => {
    const loader = await openLoader({
      seed: 0,
      source: spec,
      target: null,
      batchSize: 2,
      futureBatches: 0,
      iterations: 1,
      resize: null,
      cropSize: { height: 16, width: 16 },
      flipProbability: 0.5,
      catMaxRatio: 1,
      normalization: IMAGENET,
      rareClassSampling: { classTemperature: 0.1, minPixels: 1, minCropRatio: 0.5 },
      numWorkers: 1,
      cacheFolder: cache,
    });
    await loader.batch(0);
    await loader.close();
  });
  return { pictures, workers, residentBefore, stages };
}
