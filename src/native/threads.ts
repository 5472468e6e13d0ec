/** How many threads oneDNN has. @module */
import type { Dnnl } from "./dnnl.ts";
import { productPlan } from "./product.ts";

// What was set here before, by an earlier call.
const ours = new Map<string, string>();

/**
 * Says, before OpenMP is loaded, how it starts: with threads that sleep while they wait,
 * since spinning ones take the cores from everything else.
 *
 * @param threads That there may be.
 * @returns The number that the user wants by OMP_NUM_THREADS; null: any.
 */
export function prepareOpenMp(threads: number): number | null {
  try {
    setUnlessGiven("OMP_WAIT_POLICY", "passive");
    setUnlessGiven("OMP_NUM_THREADS", String(threads));
    const given = Deno.env.get("OMP_NUM_THREADS");
    if (given === undefined || ours.has("OMP_NUM_THREADS")) return null;
    const wanted = Number.parseInt(given);
    return wanted >= 1 ? wanted : null;
  } catch (error) {
    // Without the permission for the environment it starts as it does anywhere.
    if (error instanceof Deno.errors.NotCapable) return null;
    throw error;
  }
}

function setUnlessGiven(name: string, value: string): void {
  const given = Deno.env.get(name);
  if (given !== undefined && given !== ours.get(name)) return;
  Deno.env.set(name, value);
  ours.set(name, value);
}

const SIDE = 384;
const ROUNDS = 3;
// Below this share of the time of one thread, more are clearly faster.
const CLEARLY_FASTER = 0.75;

/** One thread, or `cores` where a product is clearly faster with them by the clock. */
export function fasterThreads(
  engine: Pick<Dnnl, "run"> & { setThreads(threads: number): void },
  cores: number,
): number {
  if (cores <= 1) return 1;
  const matrix = new Float32Array(SIDE * SIDE).fill(1);
  const product = new Float32Array(SIDE * SIDE);
  const plan = productPlan({
    ...{ batch: 1, rows: SIDE, columns: SIDE, depth: SIDE },
    transposeLeft: false,
    transposeRight: false,
    sharedRight: false,
    hasBias: false,
  });
  const secondsWith = (threads: number) => {
    engine.setThreads(threads);
    engine.run(plan, matrix, matrix, product); // starts the threads
    const times = Array.from({ length: ROUNDS }, () => {
      const start = performance.now();
      engine.run(plan, matrix, matrix, product);
      return performance.now() - start;
    });
    return Math.min(...times);
  };
  const one = secondsWith(1);
  return secondsWith(cores) < CLEARLY_FASTER * one ? cores : 1;
}
