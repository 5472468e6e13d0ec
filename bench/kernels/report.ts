/** `bench kernels` as a table. @module */
import { formatTable } from "../../src/cli/format_table.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import type { BackendChoice, CpuOptions } from "../../src/core/backend.ts";
import { left, type Report, right } from "../report.ts";
import { benchKernels } from "./kernels.ts";

const ROUNDS = 5;

/** Measures operations and reports times, ratios and rates. */
export async function kernelsReport(
  { backend, cpu, rounds = ROUNDS, only }: {
    backend: BackendChoice;
    cpu: CpuOptions;
    rounds: number | undefined;
    only: readonly string[];
  },
  terminal: Terminal,
  log: (line: string) => void,
): Promise<Report> {
  const result = await benchKernels({ backend, cpu }, rounds, only, log);
  const { backend: info, peak, times } = result;
  const milliseconds = (seconds: number) => (1000 * seconds).toPrecision(3);
  const giga = (rate: number) => (rate / 1e9).toPrecision(3);
  const table = formatTable(
    [
      ...["operation", "used by", "shape", "pass"].map(left),
      ...["tfjs ms", "ours ms", "speed-up", "rate", "of peak"].map(right),
    ],
    times.map((time) => [
      time.operation,
      time.usedBy,
      time.shape,
      time.pass,
      milliseconds(time.tfjs),
      milliseconds(time.ours),
      `${time.speedUp.toFixed(2)}×`,
      `${giga(time.rate)} G${time.unit}`,
      `${(100 * time.shareOfPeak).toFixed(0)} %`,
    ]),
    terminal,
  );
  const text =
    `${table}\non ${info.name} (${info.adapter}), medians of at most ${rounds} ` +
    `rounds; peak: a plain product of matrices ${giga(peak.flops)} GFLOP/s, a plain ` +
    `copy ${giga(peak.bytes)} GB/s`;
  return {
    text,
    benchmark: "kernels",
    backend: info.name,
    adapter: info.adapter,
    rows: times.map(({ operation, usedBy, shape, pass, ours, speedUp }) => ({
      name: `${operation}, ${usedBy} (${shape}), ${pass}`,
      seconds: ours,
      speedUp,
    })),
    json: { backend: info.name, adapter: info.adapter, rounds, peak, times },
  };
}
