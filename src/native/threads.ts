/** How many threads oneDNN has. @module */
import { convolutionFilterGradientPlan } from "./convolution.ts";
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
const ROUNDS = 5;
// Below this share of the time of one thread, more are clearly faster.
const CLEARLY_FASTER = 0.75;

const PRODUCT = productPlan({
  ...{ batch: 1, rows: SIDE, columns: SIDE, depth: SIDE },
  transposeLeft: false,
  transposeRight: false,
  sharedRight: false,
  hasBias: false,
});

// Its threads wait for each other by spinning, which a busy machine makes slow.
const FILTER_GRADIENT = convolutionFilterGradientPlan({
  ...{ batch: 2, height: 32, width: 32, channels: 64 },
  ...{ outHeight: 32, outWidth: 32, outChannels: 64 },
  ...{
    kernelHeight: 3,
    kernelWidth: 3,
    stride: 1,
    dilation: 1,
    paddingTop: 1,
    paddingLeft: 1,
  },
  depthwise: false,
  hasBias: false,
});

/** One thread, or `cores` where all is clearly faster with them by the clock. */
export function fasterThreads(
  engine: Pick<Dnnl, "run"> & { setThreads(threads: number): void },
  cores: number,
): number {
  if (cores <= 1) return 1;
  const input = new Float32Array(SIDE * SIDE).fill(1);
  const result = new Float32Array(SIDE * SIDE);
  const plans = [PRODUCT, FILTER_GRADIENT];
  const secondsWith = (threads: number) => {
    engine.setThreads(threads);
    return plans.map((plan) => {
      engine.run(plan, input, input, result); // starts the threads
      const times = Array.from({ length: ROUNDS }, () => {
        const start = performance.now();
        engine.run(plan, input, input, result);
        return performance.now() - start;
      });
      return times.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Infinity;
    });
  };
  const [one, more] = [secondsWith(1), secondsWith(cores)];
  const isFaster = more.every((time, i) => time < CLEARLY_FASTER * (one[i] ?? 0));
  return isFaster ? cores : 1;
}
