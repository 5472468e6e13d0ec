/** Each operation of ours against stock operations, in turns in one process. @module */
import {
  type BackendChoice,
  type BackendInfo,
  openBackend,
} from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { gradients, numbers, type Pair } from "../pairs/pair.ts";
import { type Case, casesOf } from "./cases.ts";
import { timeInTurns, type Work } from "./measure.ts";
import { type Peak, peakOf } from "./peak.ts";

/** One operation at one shape, one way through it. */
export interface KernelTime {
  readonly operation: string;
  readonly of: string;
  readonly shape: string;
  readonly pass: "forward" | "with gradients";
  /** Medians, in seconds. */
  readonly stock: number;
  readonly ours: number;
  /** Median of the ratios of rounds. */
  readonly speedUp: number;
  /** Of ours: operations per second, or bytes per second that must be moved at least. */
  readonly rate: number;
  readonly unit: "FLOP/s" | "B/s";
  /** Of a plain product's or copy's rate. */
  readonly share: number;
}

/** Everything that was measured. */
export interface KernelReport {
  readonly backend: BackendInfo;
  readonly peak: Peak;
  readonly times: readonly KernelTime[];
}

/** Measures the chosen cases. */
export async function benchKernels(
  backend: BackendChoice,
  rounds: number,
  only: readonly string[],
  log: (line: string) => void,
): Promise<KernelReport> {
  const info = await openBackend(backend);
  const peak = await peakOf();
  const times: KernelTime[] = [];
  const cases = casesOf(only);
  for (const [i, one] of cases.entries()) {
    log(`${i + 1}/${cases.length} ${one.operation}, ${one.of}`);
    times.push(await timeOf(one, "forward", rounds, peak));
    if (one.pair.slopes > 0) {
      times.push(await timeOf(one, "with gradients", rounds, peak));
    }
  }
  return { backend: info, peak, times };
}

async function timeOf(
  { operation, of, shape, pair }: Case,
  pass: KernelTime["pass"],
  rounds: number,
  peak: Peak,
): Promise<KernelTime> {
  const inputs = pair.inputs();
  const kept = [inputs, pair.inputs()] as const; // one that updates itself, one for stock
  const { weights, elements } = resultsOf(pair, inputs);
  const isForward = pass === "forward";
  const work = (run: Pair["ours"], own: readonly tf.Tensor[]): Work => () =>
    tf.tidy(() => {
      if (isForward) run(...own);
      else gradients(run, pair.slopes, own, weights);
    });
  const { seconds, speedUps } = await timeInTurns(
    [work(pair.stock, kept[1]), work(pair.ours, kept[0])],
    rounds,
  );
  const bytes = bytesOf(pair, inputs, elements, isForward);
  tf.dispose([...kept[0], ...kept[1], weights]);
  const [stock = NaN, ours = NaN] = seconds;
  // Each gradient of a product is a product.
  const flops = pair.flops * (isForward ? 1 : 3);
  const rate = (flops > 0 ? flops : bytes) / ours;
  return {
    operation,
    of,
    shape,
    pass,
    stock,
    ours,
    speedUp: speedUps[1] ?? NaN,
    rate,
    unit: flops > 0 ? "FLOP/s" : "B/s",
    share: rate / (flops > 0 ? peak.flops : peak.bytes),
  };
}

// What the result is multiplied with, and how many elements all results have.
function resultsOf(
  pair: Pair,
  inputs: readonly tf.Tensor[],
): { weights: tf.Tensor; elements: number } {
  return tf.tidy(() => {
    const results = pair.ours(...inputs);
    const all = results instanceof tf.Tensor ? [results] : results;
    const shape = all[0]?.shape as tf.ShapeMap[tf.Rank] ?? [];
    return { weights: numbers(shape, "weights"), elements: elementsOf(all) };
  }) as { weights: tf.Tensor; elements: number };
}

// Read and written once at least: inputs and results, then those and gradients.
function bytesOf(
  { slopes }: Pair,
  inputs: readonly tf.Tensor[],
  results: number,
  isForward: boolean,
): number {
  const forward = elementsOf(inputs) + results;
  const backward = forward + elementsOf(inputs.slice(0, slopes));
  return 4 * (isForward ? forward : forward + backward);
}

function elementsOf(tensors: readonly tf.Tensor[]): number {
  return tensors.reduce((sum, { size }) => sum + size, 0);
}
