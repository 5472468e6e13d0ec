/**
 * How much faster ranks train than one process, measured in turns on this machine.
 *
 * @module
 */
import { usesTarget } from "../../src/config/method.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import type { BackendChoice } from "../../src/core/backend.ts";
import { median } from "../median.ts";
import type { Message } from "./exchange_meter.ts";
import type { RankCost, RanksCost } from "./rank_process.ts";
import { trainOnRanks } from "./start_ranks.ts";

/** Processes that train together. */
export interface Division {
  readonly ranks: number;
  /** Of each. */
  readonly threads: number;
}

/** A figure of rounds. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** What was measured of a division. */
export interface ScalingRow extends Division {
  /** Of a batch of all domains. */
  readonly imagesPerSecond: Spread;
  /** Times those of one rank in the same round. */
  readonly speedUp: Spread;
  /**
   * The same of one rank with a thread for each core that the ranks use; null: it was not
   * measured.
   */
  readonly speedUpOnSameCores: Spread | null;
  /**
   * `speedUp` by seconds of the processor, of the busiest rank and of exchanges for the one
   * that waits least: what other programs change least. Null where a rank has several
   * threads.
   */
  readonly cpuSpeedUp: Spread | null;
  /** Medians over the iterations, by rank. */
  readonly perRank: readonly RankCost[];
  /** Of exchanges, without waiting for other ranks: a median, too. */
  readonly transferSeconds: number;
  /** Those of an iteration. */
  readonly messages: readonly Message[];
}

/** How it is measured. */
export interface ScalingOptions {
  readonly backend: BackendChoice;
  /** What computes on the CPU, as `--native` has it. */
  readonly native: string;
  readonly rounds: number;
  /** In a turn. */
  readonly iterations: number;
}

/**
 * What is compared: each number of ranks, and one rank with as many threads.
 *
 * @param threads Of a rank.
 * @param cores Null: threads make no difference, a GPU computes.
 */
export function divisionsOf(
  counts: readonly number[],
  threads: number,
  cores: number | null,
): Division[] {
  const ranks = [...new Set([1, ...counts])].sort((a, b) => a - b);
  const divisions = ranks.map((ranks) => ({ ranks, threads }));
  if (cores === null) return divisions;
  const more = ranks.map((ranks) => threadsOnSameCores({ ranks, threads }, cores))
    .filter((count) => count > threads);
  return [
    ...divisions,
    ...[...new Set(more)].map((threads) => ({ ranks: 1, threads })),
  ];
}

/**
 * Trains in turns, each with processes of its own; a round is a turn of each division, with
 * the same batch.
 *
 * @param divisions One rank is first.
 * @param progress Called before a turn.
 * @throws {RangeError} If the batch cannot be divided.
 */
export async function measureScaling(
  config: RunConfig,
  divisions: readonly Division[],
  { backend, native, rounds, iterations }: ScalingOptions,
  progress: (division: Division, round: number) => void = () => {},
): Promise<ScalingRow[]> {
  if (rounds < 1 || iterations < 1) {
    throw new RangeError(
      `Cannot measure ${rounds} rounds of ${iterations} iterations: give at least 1 of each`,
    );
  }
  divisions.forEach(({ ranks }) => assertDivisible(config, ranks));
  const turns: Turns[] = divisions.map((division) => ({
    ...division,
    costs: [],
    messages: [],
  }));
  for (let round = 0; round < rounds; round++) {
    for (const turn of turns) {
      progress(turn, round);
      const { ranks, threads } = turn;
      const task = { config, backend, cpu: { native, threads }, iterations };
      const answer = await trainOnRanks(ranks, task);
      turn.costs.push(answer.iterations);
      turn.messages = answer.messages;
    }
  }
  const images = config.data.batchSize * (usesTarget(config.method) ? 2 : 1);
  return turns.map((turn) => rowOf(turn, turns, images));
}

/** The turns of a division, one per round. */
interface Turns extends Division {
  readonly costs: (readonly RanksCost[])[];
  messages: readonly Message[];
}

function rowOf(turn: Turns, turns: readonly Turns[], images: number): ScalingRow {
  const { ranks, threads, costs, messages } = turn;
  const [one = turn] = turns;
  const sameCores = turns.find((other) =>
    ranks > 1 && other.ranks === 1 && other.threads > one.threads &&
    other.threads === threadsOnSameCores(turn)
  );
  const iterations = costs.flat();
  return {
    ...{ ranks, threads, messages },
    imagesPerSecond: spreadOf(costs.map((costs) => images / wallSeconds(costs))),
    speedUp: speedUpOver(one, turn, wallSeconds),
    speedUpOnSameCores: sameCores ? speedUpOver(sameCores, turn, wallSeconds) : null,
    cpuSpeedUp: threads > 1 ? null : speedUpOver(one, turn, processorSeconds),
    perRank: Array.from({ length: ranks }, (_, rank) => {
      const own = iterations.flatMap(({ ranks }) => ranks.slice(rank, rank + 1));
      const medianOf = (key: keyof RankCost) => median(own.map((cost) => cost[key]));
      return {
        seconds: medianOf("seconds"),
        cpuSeconds: medianOf("cpuSeconds"),
        exchangeSeconds: medianOf("exchangeSeconds"),
      };
    }),
    transferSeconds: median(iterations.map(({ transferSeconds }) => transferSeconds)),
  };
}

function threadsOnSameCores(
  { ranks, threads }: Division,
  cores: number = navigator.hardwareConcurrency,
): number {
  return Math.max(threads, Math.min(ranks * threads, cores));
}

function speedUpOver(
  { costs: ofOne }: Turns,
  { costs }: Turns,
  secondsOf: (costs: readonly RanksCost[]) => number,
): Spread {
  return spreadOf(
    costs.map((costs, round) => secondsOf(ofOne[round] ?? []) / secondsOf(costs)),
  );
}

/** Of an iteration, a median of a turn. */
function wallSeconds(costs: readonly RanksCost[]): number {
  return median(
    costs.map(({ ranks }) => Math.max(...ranks.map(({ seconds }) => seconds))),
  );
}

function processorSeconds(costs: readonly RanksCost[]): number {
  return median(
    costs.map(({ ranks, transferCpuSeconds }) =>
      Math.max(...ranks.map(({ cpuSeconds }) => cpuSeconds)) + transferCpuSeconds
    ),
  );
}

function spreadOf(values: readonly number[]): Spread {
  return {
    median: median(values),
    least: Math.min(...values),
    most: Math.max(...values),
  };
}

function assertDivisible(
  { data: { batchSize }, optimizer: { accumulationSteps } }: RunConfig,
  ranks: number,
): void {
  if (!Number.isInteger(ranks)) {
    throw new RangeError(
      `Cannot measure ${ranks} ranks: give whole numbers with "--ranks"`,
    );
  }
  if (batchSize % (ranks * accumulationSteps) === 0) return;
  const times = accumulationSteps === 1 ? "" : ` and ${accumulationSteps} micro-batches`;
  throw new RangeError(
    `Cannot divide a batch of ${batchSize} among ${ranks} ranks${times}: give another with ` +
      '"--set data.batchSize=N", or other numbers of ranks with "--ranks"',
  );
}
