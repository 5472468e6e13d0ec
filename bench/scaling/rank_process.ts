/**
 * A rank that trains: one of those that `mpirun` has started, or a process alone. Reads a
 * {@linkcode RankTask} from the standard input of the first one, which prints a
 * {@linkcode RanksAnswer}. Writes no files.
 *
 *     deno run -A bench/scaling/rank_process.ts [distributed]
 *
 * @module
 */
import type { RunConfig } from "../../src/config/schema.ts";
import {
  type BackendChoice,
  type BackendInfo,
  type CpuOptions,
  openBackend,
} from "../../src/core/backend.ts";
import {
  type Communicator,
  fromRankZero,
  isTrueOnAnyRank,
  useCommunicator,
} from "../../src/core/ranks.ts";
import { openRanks } from "../../src/distributed/open_ranks.ts";
import { checkStart } from "../../src/train/rank_checks.ts";
import { openRunner } from "../step/runner.ts";
import {
  cpuSeconds,
  type Exchange,
  type Message,
  openExchangeMeter,
} from "./exchange_meter.ts";

/** What ranks do. */
export interface RankTask {
  readonly config: RunConfig;
  readonly backend: BackendChoice;
  readonly cpu: CpuOptions;
  /** That count; others come before. */
  readonly iterations: number;
}

/** What an iteration cost a rank. */
export interface RankCost {
  readonly seconds: number;
  /** Of the processor, all threads together, without those in exchanges. */
  readonly cpuSeconds: number;
  /** In exchanges; on WebGPU the rest of the iteration may go on beside them. */
  readonly exchangeSeconds: number;
}

/** What an iteration cost. */
export interface RanksCost {
  /** In the order of ranks. */
  readonly ranks: readonly RankCost[];
  /**
   * Seconds of the exchanges for the rank that came to each one last, and did not wait for
   * others.
   */
  readonly transferSeconds: number;
  /** Seconds of the processor of the exchanges, for the rank whose were fewest in each. */
  readonly transferCpuSeconds: number;
}

/** What came out. */
export interface RanksAnswer {
  readonly backend: BackendInfo;
  readonly iterations: readonly RanksCost[];
  /** Those of an iteration. */
  readonly messages: readonly Message[];
}

/** Iterations that compile and fill caches. */
const WARM_UPS = 2;

async function trainAsRank(isDistributed: boolean): Promise<void> {
  const ranks = isDistributed ? await openRanks() : null;
  if (isDistributed && ranks === null) {
    throw new Error("Cannot measure ranks: what has started them is no known MPI");
  }
  const task = await fromRankZero(async () =>
    JSON.parse(await new Response(Deno.stdin.readable).text()) as RankTask
  );
  const { config, backend, cpu, iterations } = task;
  const info = await openBackend(backend, cpu);
  await checkStart(config, info);
  const meter = ranks && openExchangeMeter(ranks);
  useCommunicator(meter);
  const runner = await openRunner(config, info.name === "webgpu" && config.replay);
  await runner.warmUp();
  const costs: RanksCost[] = [];
  let exchanges: readonly Exchange[] = [];
  for (let i = 1 - WARM_UPS; i < iterations; i++) {
    const iterate = await runner.prepare();
    await ranks?.sumAsync(new Float32Array(1)); // all begin together
    meter?.take();
    const [from, cpuFrom] = [performance.now(), cpuSeconds()];
    await iterate();
    await isTrueOnAnyRank(false); // as a run asks whether it should stop
    const seconds = (performance.now() - from) / 1000;
    exchanges = meter?.take() ?? [];
    const inExchanges = sumOf(exchanges, ({ cpuSeconds }) => cpuSeconds);
    const own: RankCost = {
      seconds,
      cpuSeconds: cpuSeconds() - cpuFrom - inExchanges,
      exchangeSeconds: sumOf(exchanges, ({ seconds }) => seconds),
    };
    if (i >= 0) costs.push(gatherCosts(ranks, own, exchanges));
  }
  const messages = exchanges.map(({ kind, bytes }) => ({ kind, bytes }));
  const answer: RanksAnswer = { backend: info, iterations: costs, messages };
  if ((ranks?.rank ?? 0) === 0) {
    await new Blob([JSON.stringify(answer)]).stream()
      .pipeTo(Deno.stdout.writable, { preventClose: true });
  }
  await runner.close();
  await ranks?.finalize();
}

function gatherCosts(
  ranks: Communicator | null,
  { seconds, cpuSeconds, exchangeSeconds }: RankCost,
  exchanges: readonly Exchange[],
): RanksCost {
  const own = Float32Array.of(
    ...[seconds, cpuSeconds, exchangeSeconds],
    ...exchanges.map(({ seconds }) => seconds),
    ...exchanges.map(({ cpuSeconds }) => cpuSeconds),
  );
  const all = ranks?.gather(own) ?? own;
  const ofRanks = Array.from(
    { length: ranks?.size ?? 1 },
    (_, rank) => all.subarray(rank * own.length, (rank + 1) * own.length),
  );
  const costs = ofRanks.map(
    ([seconds = NaN, cpuSeconds = NaN, exchangeSeconds = NaN]) => {
      return { seconds, cpuSeconds, exchangeSeconds };
    },
  );
  const least = [...own.keys()].slice(3).map((i) =>
    Math.min(...ofRanks.map((ofRank) => ofRank[i] ?? NaN))
  );
  const sum = (values: readonly number[]) => sumOf(values, (value) => value);
  return {
    ranks: costs,
    transferSeconds: sum(least.slice(0, exchanges.length)),
    transferCpuSeconds: sum(least.slice(exchanges.length)),
  };
}

function sumOf<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((sum, value) => sum + of(value), 0);
}

if (import.meta.main) {
  await trainAsRank(Deno.args[0] === "distributed");
  Deno.exit(0); // a GPU device would keep the process
}
