/** `bench peers` as tables. @module */
import { formatTable } from "../../src/cli/format_table.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import type { BackendChoice, CpuOptions } from "../../src/core/backend.ts";
import { left, right } from "../report.ts";
import { selectPeerCases } from "./cases.ts";
import {
  comparePeers,
  type Comparison,
  parseLibraries,
  type PeerTime,
  threadCounts,
} from "./compare.ts";
import type { WorkCost } from "./work.ts";

const ROUNDS = 5;

/** Measures and reports. */
export async function peersReport(
  { only, variant, against, backend, rounds = ROUNDS, threads, cpu }: {
    /** Parts of names of cases; none: all. */
    only: readonly string[];
    /** Libraries; none: all. */
    variant: readonly string[];
    /** A checkout of fst. */
    against: string | undefined;
    backend: BackendChoice;
    rounds: number | undefined;
    /** As the command line says; undefined: one, and one per core. */
    threads: number | "auto" | undefined;
    cpu: Required<CpuOptions>;
  },
  terminal: Terminal,
  log: (line: string) => void,
): Promise<{ text: string; json: unknown }> {
  const comparison = await comparePeers({
    cases: await selectPeerCases(only),
    libraries: parseLibraries(variant),
    checkout: against ?? null,
    ...{ backend, rounds, log },
    threads: threadCounts(threads, navigator.hardwareConcurrency),
    native: cpu.native,
  });
  return {
    text: formatComparison(comparison, rounds, terminal),
    json: { rounds, ...comparison },
  };
}

/** Networks in seconds, operations in operations per second of the processor. */
export function formatComparison(
  { backend, descriptions, times }: Comparison,
  rounds: number,
  terminal: Pick<Terminal, "isOutTty" | "color">,
): string {
  const networks = times.filter(({ flops }) => flops === null);
  const operations = times.filter(({ flops }) => flops !== null);
  const tables = [
    formatTimes(networks, "seconds", ({ cpuSeconds, seconds }) => [
      formatSeconds(cpuSeconds),
      formatSeconds(seconds),
    ], terminal),
    formatTimes(operations, "GFLOP per second", ({ cpuSeconds, seconds }, flops) => [
      formatRate(flops, cpuSeconds),
      formatRate(flops, seconds),
    ], terminal),
  ].filter((table) => table !== "");
  const processor = backend === "webgpu"
    ? "the processor only starts what the GPU computes"
    : "CPU: seconds of the processor, all threads together";
  return [
    ...tables,
    `${
      descriptions.join("; ")
    }; medians of ${rounds} rounds in turns; ratios are times ` +
    `of fst divided by those of the other: below 1, fst takes less; ${processor}`,
  ].join("\n\n");
}

function formatTimes(
  times: readonly PeerTime[],
  unit: string,
  format: (cost: WorkCost, flops: number) => [cpu: string, clock: string],
  terminal: Pick<Terminal, "isOutTty" | "color">,
): string {
  if (times.length === 0) return "";
  const columns = [
    left(unit),
    right("threads"),
    left("compared with"),
    ...["fst, CPU", "other, CPU", "CPU ratio"].map(right),
    ...["fst", "other", "ratio"].map(right),
  ];
  const rows = times.map((time) => {
    const [oursCpu, ours] = format(time.ours, time.flops ?? NaN);
    const [theirsCpu, theirs] = format(time.theirs, time.flops ?? NaN);
    return [
      time.case,
      time.threads === null ? "-" : String(time.threads),
      time.peer,
      ...[oursCpu, theirsCpu, formatRatio(time.ratios.cpuSeconds)],
      ...[ours, theirs, formatRatio(time.ratios.seconds)],
    ];
  });
  return formatTable(columns, rows, terminal);
}

const formatSeconds = (seconds: number) => seconds.toFixed(seconds < 0.1 ? 4 : 3);
const formatRate = (flops: number, seconds: number) => (flops / seconds / 1e9).toFixed(1);
const formatRatio = (ratio: number) => `${ratio.toFixed(2)}×`;
