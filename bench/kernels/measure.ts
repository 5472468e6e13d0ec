/** Times of functions that keep a device busy, in turns. @module */
import * as tf from "../../src/core/tf.ts";
import { synchronize } from "../device.ts";
import { median } from "../median.ts";

/** Something to be timed; frees what it makes. */
export type TimedWork = () => void;

// On webgpu waiting takes about ten milliseconds whatever there is to wait for.
const MIN_TURN_SECONDS = { webgpu: 0.15, wasm: 0.03 } as const;
const MAX_REPEATS = 1000;
// A work of so many seconds is timed once, and compiling is no part of it to speak of.
const SLOW_SECONDS = 4;

/**
 * Times several works in turns.
 *
 * Each is repeated until a turn takes long enough to be timed; the repeats are found by a
 * first turn, which also compiles.
 *
 * @param rounds Turns that count; a work that takes seconds gets one.
 * @returns Medians in seconds per run, and the ratio of the first to each, by rounds.
 */
export async function timeInTurns(
  works: readonly TimedWork[],
  rounds: number,
): Promise<{ seconds: number[]; speedUps: number[] }> {
  const repeats: number[] = [];
  let longest = 0;
  for (const work of works) {
    const first = await timeTurn(work, 1);
    const secondsPerRun = first > SLOW_SECONDS ? first : await timeTurn(work, 1);
    const shortest = tf.getBackend() === "webgpu"
      ? MIN_TURN_SECONDS.webgpu
      : MIN_TURN_SECONDS.wasm;
    repeats.push(Math.max(1, Math.min(MAX_REPEATS, Math.ceil(shortest / secondsPerRun))));
    longest = Math.max(longest, secondsPerRun);
  }
  const roundCount = Math.max(1, Math.min(rounds, Math.ceil(SLOW_SECONDS / longest)));
  const turns = works.map((): number[] => []);
  for (let round = 0; round < roundCount; round++) {
    for (const [i, work] of works.entries()) {
      turns[i]?.push(await timeTurn(work, repeats[i] ?? 1));
    }
  }
  const [first = []] = turns;
  return {
    seconds: turns.map(median),
    speedUps: turns.map((own) =>
      median(first.map((value, i) => value / (own[i] ?? NaN)))
    ),
  };
}

async function timeTurn(work: TimedWork, repeats: number): Promise<number> {
  await synchronize();
  const from = performance.now();
  for (let i = 0; i < repeats; i++) work();
  await synchronize();
  return (performance.now() - from) / 1000 / repeats;
}
