/** Each operation of ours against tfjs, in turns in one process. @module */
import {
  type BackendChoice,
  type BackendInfo,
  type CpuOptions,
  openBackend,
} from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { inputGradients, normalTensor, type Pair } from "../pairs/pair.ts";
import { type KernelCase, selectCases } from "./cases.ts";
import { type TimedWork, timeInTurns } from "./measure.ts";
import { measurePeak, type PeakRates } from "./peak.ts";

/** One operation at one shape, one way through it. */
export interface KernelTime {
  readonly operation: string;
  readonly usedBy: string;
  readonly shape: string;
  readonly pass: "forward" | "with gradients";
  /** Medians, in seconds. */
  readonly tfjs: number;
  readonly ours: number;
  /** Median of the ratios of rounds. */
  readonly speedUp: number;
  /** Of ours: operations per second, or bytes per second that must be moved at least. */
  readonly rate: number;
  readonly unit: "FLOP/s" | "B/s";
  /** Of a plain product's or copy's rate. */
  readonly shareOfPeak: number;
}

/** Everything that was measured. */
export interface KernelReport {
  readonly backend: BackendInfo;
  readonly peak: PeakRates;
  readonly times: readonly KernelTime[];
}

/** Measures the chosen cases. */
export async function benchKernels(
  { backend, cpu }: { readonly backend: BackendChoice; readonly cpu: CpuOptions },
  rounds: number,
  only: readonly string[],
  log: (line: string) => void,
): Promise<KernelReport> {
  const info = await openBackend(backend, cpu);
  const peak = await measurePeak();
  const times: KernelTime[] = [];
  const cases = selectCases(only);
  for (const [i, kernelCase] of cases.entries()) {
    log(`${i + 1}/${cases.length} ${kernelCase.operation}, ${kernelCase.usedBy}`);
    times.push(await timeOf(kernelCase, "forward", rounds, peak));
    if (kernelCase.pair.differentiableInputs > 0) {
      times.push(await timeOf(kernelCase, "with gradients", rounds, peak));
    }
  }
  return { backend: info, peak, times };
}

async function timeOf(
  { operation, usedBy, shape, pair }: KernelCase,
  pass: KernelTime["pass"],
  rounds: number,
  peak: PeakRates,
): Promise<KernelTime> {
  const inputs = pair.inputs();
  const inputSets = [inputs, pair.inputs()] as const; // one that updates itself, one for tfjs
  const { weights, elements } = outputInfo(pair, inputs);
  const isForward = pass === "forward";
  const work = (run: Pair["ours"], tensors: readonly tf.Tensor[]): TimedWork => () =>
    tf.tidy(() => {
      if (isForward) run(...tensors);
      else inputGradients(run, pair.differentiableInputs, tensors, weights);
    });
  const { seconds, speedUps } = await timeInTurns(
    [work(pair.tfjs, inputSets[1]), work(pair.ours, inputSets[0])],
    rounds,
  );
  const bytes = bytesOf(pair, inputs, elements, isForward);
  tf.dispose([...inputSets[0], ...inputSets[1], weights]);
  const [tfjs = NaN, ours = NaN] = seconds;
  // Each gradient of a product is a product.
  const flops = pair.flops * (isForward ? 1 : 3);
  const rate = (flops > 0 ? flops : bytes) / ours;
  return {
    operation,
    usedBy,
    shape,
    pass,
    tfjs,
    ours,
    speedUp: speedUps[1] ?? NaN,
    rate,
    unit: flops > 0 ? "FLOP/s" : "B/s",
    shareOfPeak: rate / (flops > 0 ? peak.flops : peak.bytes),
  };
}

// What the result is multiplied with, and how many elements all results have.
function outputInfo(
  pair: Pair,
  inputs: readonly tf.Tensor[],
): { weights: tf.Tensor; elements: number } {
  return tf.tidy(() => {
    const results = pair.ours(...inputs);
    const all = results instanceof tf.Tensor ? [results] : results;
    const shape = all[0]?.shape as tf.ShapeMap[tf.Rank] ?? [];
    return { weights: normalTensor(shape, "weights"), elements: elementsOf(all) };
  }) as { weights: tf.Tensor; elements: number };
}

// Read and written once at least: inputs and results, then those and gradients.
function bytesOf(
  { differentiableInputs }: Pair,
  inputs: readonly tf.Tensor[],
  results: number,
  isForward: boolean,
): number {
  const forward = elementsOf(inputs) + results;
  const backward = forward + elementsOf(inputs.slice(0, differentiableInputs));
  return 4 * (isForward ? forward : forward + backward);
}

function elementsOf(tensors: readonly tf.Tensor[]): number {
  return tensors.reduce((sum, { size }) => sum + size, 0);
}
