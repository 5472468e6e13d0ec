/**
 * What an iteration of each method costs, computed in each way, measured in turns.
 *
 * @module
 */
import type { RunConfig } from "../../src/config/schema.ts";
import type { BackendChoice, BackendInfo, CpuOptions } from "../../src/core/backend.ts";
import { median } from "../median.ts";
import { METHODS, withMethod } from "../compared_methods.ts";
import { openRemoteRunner, type RemoteRunner } from "./remote_runner.ts";
import { BASELINE, isSupported, type Variant } from "./variants.ts";

/** One method computed in one way. */
export interface StepTime {
  readonly method: string;
  readonly variant: Variant;
  /** Median over the rounds, in seconds per iteration. */
  readonly seconds: number;
  /** Median of the ratio to the reference, computed the same way, of the same round. */
  readonly ratio: number;
  /** The same by seconds of the processor. */
  readonly cpuRatio: number;
  /** How often it is done while tfjs does it once: a median of ratios of rounds, too. */
  readonly speedUp: number;
  /** Median over the rounds, in seconds of the processor. */
  readonly cpuSeconds: number;
  /**
   * As `speedUp`, by seconds of the processor: on a busy machine the better measure of what
   * is computed there. Without a meaning where a GPU computes.
   */
  readonly cpuSpeedUp: number;
  /** Per iteration; null on wasm. */
  readonly dispatches: number | null;
  /** Seconds of JavaScript per iteration, until all is submitted; null on wasm. */
  readonly javascriptSeconds: number | null;
  /** Most bytes that the device held. */
  readonly deviceBytes: number;
}

/** What is measured. */
export interface StepOptions {
  readonly backend: BackendChoice;
  /** What computes on the CPU. */
  readonly cpu?: CpuOptions;
  /** Rounds that count; warming up comes first. By default what is bearable. */
  readonly rounds?: number | undefined;
  readonly methods?: readonly string[];
  /** Sections of methods by name; those of the embedded scenes unless given. */
  readonly known?: Readonly<Record<string, unknown>>;
  /** To which method costs are compared; plain self-training unless given. */
  readonly reference?: string;
  /** Those that the backend cannot do are left out. */
  readonly variants: readonly Variant[];
}

const DEFAULT_REFERENCE = "self-training";
const ROUNDS = 10;
// A software driver takes tens of seconds per iteration.
const SOFTWARE_GPU_ROUNDS = 2;
const MAX_ENCODINGS = 3;
// Sums are taken in another order.
const LOSS_TOLERANCE = 1e-3;

/**
 * Times iterations on the same data. Every method and variant has a process of its own; a
 * round has each do one iteration while the others wait, so that a machine that gets slower
 * slows all of them.
 *
 * @throws {Error} If variants do not compute the same loss.
 */
export async function benchStep(
  config: RunConfig,
  {
    backend,
    cpu = {},
    rounds,
    methods = Object.keys(METHODS),
    known,
    reference = DEFAULT_REFERENCE,
    variants,
  }: StepOptions,
): Promise<{ backend: BackendInfo; rounds: number; times: StepTime[] }> {
  const runners: MeasuredRunner[] = [];
  try {
    for (const method of methods) {
      for (const variant of variants) {
        const [first] = runners;
        if (first && !isSupported(variant, first.remote.backend)) continue;
        const task = { config: withMethod(config, method, known), backend, cpu };
        const remote = await openRemoteRunner(variant, task);
        runners.push({
          method,
          variant,
          remote,
          seconds: [],
          cpuSeconds: [],
          dispatches: 0,
          bytes: 0,
        });
      }
    }
    const info = runners[0]?.remote.backend;
    if (info === undefined) throw new RangeError("Cannot measure no method");
    const isSlow = info.name === "webgpu" && info.software;
    const roundCount = rounds ?? (isSlow ? SOFTWARE_GPU_ROUNDS : ROUNDS);
    await warmUp(runners);
    for (let round = 0; round < roundCount; round++) {
      for (const runner of runners) {
        const { seconds, cpuSeconds, dispatches, peakBytes } = await runner.remote.run();
        runner.seconds.push(seconds);
        runner.cpuSeconds.push(cpuSeconds);
        runner.dispatches = dispatches;
        runner.bytes = peakBytes;
      }
    }
    const times: StepTime[] = [];
    for (const runner of runners) {
      times.push(await timeOf(runner, runners, info, reference));
    }
    return { backend: info, rounds: roundCount, times };
  } finally {
    await Promise.all(runners.map(({ remote }) => remote.close()));
  }
}

interface MeasuredRunner {
  readonly method: string;
  readonly variant: Variant;
  readonly remote: RemoteRunner;
  readonly seconds: number[];
  readonly cpuSeconds: number[];
  dispatches: number;
  bytes: number;
}

// The first iteration compiles and packs; whether all start alike shows in its loss.
async function warmUp(runners: readonly MeasuredRunner[]): Promise<void> {
  const first = new Map<string, number>();
  for (const { method, variant, remote } of runners) {
    const { losses } = await remote.warmUp();
    const loss = losses["source"] ?? losses["supervised"] ?? NaN;
    const expected = first.get(method) ?? loss;
    first.set(method, expected);
    if (Math.abs(loss - expected) <= LOSS_TOLERANCE * Math.abs(expected)) continue;
    throw new Error(
      `Cannot compare "${variant}" of ${method} with the variant before it: its first ` +
        `loss is ${loss} instead of ${expected}`,
    );
  }
}

async function timeOf(
  runner: MeasuredRunner,
  runners: readonly MeasuredRunner[],
  { name }: BackendInfo,
  reference: string,
): Promise<StepTime> {
  const { method, variant, remote, seconds, cpuSeconds, dispatches, bytes } = runner;
  const ratioTo = (
    method: string,
    variant: Variant,
    field: "seconds" | "cpuSeconds" = "seconds",
  ) => {
    const other = runners.find((value) =>
      value.method === method && value.variant === variant
    );
    return median(runner[field].map((value, i) => value / (other?.[field][i] ?? NaN)));
  };
  const javascriptSeconds: number[] = [];
  for (
    let i = 0;
    name === "webgpu" && i < Math.min(MAX_ENCODINGS, seconds.length);
    i++
  ) {
    javascriptSeconds.push((await remote.encode()).seconds);
  }
  return {
    method,
    variant,
    seconds: median(seconds),
    ratio: ratioTo(reference, variant),
    cpuRatio: ratioTo(reference, variant, "cpuSeconds"),
    speedUp: 1 / ratioTo(method, BASELINE),
    cpuSeconds: median(cpuSeconds),
    cpuSpeedUp: 1 / ratioTo(method, BASELINE, "cpuSeconds"),
    dispatches: name === "webgpu" ? dispatches : null,
    javascriptSeconds: name === "webgpu" ? median(javascriptSeconds) : null,
    deviceBytes: bytes,
  };
}
