/**
 * What a replay saves: iterations unrecorded and replayed, on the same batches, in turns in
 * one process.
 *
 * Time in JavaScript is what an iteration takes until it returns, less what the driver
 * keeps it waiting at submits; the rest of the iteration is the device's.
 *
 * @module
 */
import type { RunConfig } from "../src/config/schema.ts";
import { type BackendInfo, openBackend, readBack } from "../src/core/backend.ts";
import { releaseBatch, uploadBatch } from "../src/core/batch.ts";
import { releaseWeights } from "../src/core/weights.ts";
import type { HostBatch } from "../src/core/host_batch.ts";
import { type Loader, openLoader } from "../src/data/loader.ts";
import { buildNetwork } from "../src/engine/build.ts";
import { loaderSpec } from "../src/engine/data.ts";
import { freshLearner } from "../src/engine/learner_file.ts";
import { startMethod } from "../src/engine/method.ts";
import { startingWeights } from "../src/engine/pretrained.ts";
import { releaseLosses } from "../src/methods/learner.ts";
import { withMethod } from "./methods_compared.ts";

/** One way of running iterations. */
export interface Spent {
  /** Milliseconds in JavaScript per iteration, median. */
  readonly script: number;
  /** Milliseconds until the losses are known, median. */
  readonly wall: number;
}

/** Both ways. */
export interface ReplayTime {
  readonly method: string;
  readonly dispatches: number;
  readonly unrecorded: Spent;
  readonly replayed: Spent;
}

// Iterations until the replay begins.
const FIRST = 4;

/** Times iterations of some methods. */
export async function benchReplay(
  config: RunConfig,
  rounds: number,
  names: readonly string[],
): Promise<{ backend: BackendInfo; times: ReplayTime[] }> {
  const backend = await openBackend("webgpu");
  const times: ReplayTime[] = [];
  for (const name of names) {
    const workers = { ...config, data: { ...config.data, workers: 0 } };
    const own = withMethod(workers, name);
    const loader = await openLoader(loaderSpec(own, null));
    const [plain, fast] = [
      await runner(own, loader, false),
      await runner(own, loader, true),
    ];
    const spent: [Spent[], Spent[]] = [[], []];
    for (let t = 0; t < FIRST + rounds; t++) {
      const hosts: HostBatch[] = [];
      for (let i = 0; i < plain.batches; i++) hosts.push(await loader.batch(t, i));
      for (const [i, { once }] of [plain, fast].entries()) {
        const one = await once(hosts, t);
        if (t >= FIRST) spent[i]?.push(one);
      }
    }
    const [unrecorded, replayed] = spent.map((all) => ({
      script: median(all.map(({ script }) => script)),
      wall: median(all.map(({ wall }) => wall)),
    }));
    if (unrecorded === undefined || replayed === undefined) continue;
    times.push({ method: name, dispatches: fast.dispatches(), unrecorded, replayed });
    plain.close();
    fast.close();
    await loader.close();
  }
  return { backend, times };
}

async function runner(config: RunConfig, loader: Loader, replayed: boolean) {
  const network = buildNetwork(config.model, loader.classes.length);
  const student = await startingWeights(network, config.model, config.seed);
  const learner = freshLearner(network.parameters, student, true);
  let said = "";
  const log = (line: string) => said = line;
  const method = startMethod(
    config,
    loader.classes,
    network,
    learner,
    null,
    () => {},
    replayed ? { log, watched: () => false } : null,
  );
  return {
    batches: method.batches,
    dispatches: () => Number(/(\d+) dispatches/.exec(said)?.[1] ?? NaN),
    async once(hosts: readonly HostBatch[], t: number): Promise<Spent> {
      const from = performance.now();
      const batches = hosts.map(uploadBatch);
      let losses: ReturnType<typeof method.iterate> = new Map();
      const script = withoutSubmits(() => {
        losses = method.iterate(learner, batches, t);
      });
      for (const loss of losses.values()) await readBack(loss);
      const wall = performance.now() - from;
      releaseLosses(losses);
      batches.forEach(releaseBatch);
      return { script, wall };
    },
    close() {
      method.release();
      const { student, teacher, moments } = learner;
      for (const set of [student, teacher, moments.first, moments.second]) {
        if (set !== null) releaseWeights(set);
      }
    },
  };
}

// Milliseconds that a function takes, but for its submits.
function withoutSubmits(run: () => void): number {
  const { submit } = GPUQueue.prototype;
  let waited = 0;
  GPUQueue.prototype.submit = function (commands) {
    const from = performance.now();
    submit.call(this, commands);
    waited += performance.now() - from;
  };
  const from = performance.now();
  try {
    run();
  } finally {
    GPUQueue.prototype.submit = submit;
  }
  return performance.now() - from - waited;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
