/** Times of functions that keep a device busy, in turns. @module */
import * as tf from "../../src/core/tf.ts";
import { finish } from "../device.ts";
import { median } from "../median.ts";

/** Something to be timed; frees what it makes. */
export type Work = () => void;

// On webgpu waiting takes about ten milliseconds whatever there is to wait for.
const SHORTEST = { webgpu: 0.15, wasm: 0.03 } as const;
const MOST_REPEATS = 1000;
// A work of so many seconds is timed once, and compiling is no part of it to speak of.
const SLOW = 4;

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
  works: readonly Work[],
  rounds: number,
): Promise<{ seconds: number[]; speedUps: number[] }> {
  const repeats: number[] = [];
  let longest = 0;
  for (const work of works) {
    const first = await turn(work, 1);
    const once = first > SLOW ? first : await turn(work, 1);
    const shortest = tf.getBackend() === "webgpu" ? SHORTEST.webgpu : SHORTEST.wasm;
    repeats.push(Math.max(1, Math.min(MOST_REPEATS, Math.ceil(shortest / once))));
    longest = Math.max(longest, once);
  }
  const counted = Math.max(1, Math.min(rounds, Math.ceil(SLOW / longest)));
  const turns = works.map((): number[] => []);
  for (let round = 0; round < counted; round++) {
    for (const [i, work] of works.entries()) {
      turns[i]?.push(await turn(work, repeats[i] ?? 1));
    }
  }
  const [first = []] = turns;
  return {
    seconds: turns.map(median),
    speedUps: turns.map((own) => median(first.map((one, i) => one / (own[i] ?? NaN)))),
  };
}

async function turn(work: Work, repeats: number): Promise<number> {
  await finish();
  const from = performance.now();
  for (let i = 0; i < repeats; i++) work();
  await finish();
  return (performance.now() - from) / 1000 / repeats;
}
