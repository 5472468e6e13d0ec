/** `bench kernels` as a table. @module */
import { formatTable } from "../../src/cli/table.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import type { BackendChoice } from "../../src/core/backend.ts";
import type { Report } from "../report.ts";
import { benchKernels } from "./kernels.ts";

const ROUNDS = 5;

/** Measures operations and reports times, ratios and rates. */
export async function kernelsReport(
  { backend, rounds = ROUNDS, only }: {
    backend: BackendChoice;
    rounds: number | undefined;
    only: readonly string[];
  },
  terminal: Terminal,
  log: (line: string) => void,
): Promise<Report> {
  const { backend: info, peak, times } = await benchKernels(backend, rounds, only, log);
  const milliseconds = (seconds: number) => (1000 * seconds).toPrecision(3);
  const giga = (rate: number) => (rate / 1e9).toPrecision(3);
  const right = (title: string) => ({ title, align: "right" as const });
  const left = (title: string) => ({ title, align: "left" as const });
  const table = formatTable(
    [
      ...["operation", "of", "shape", "pass"].map(left),
      ...["stock ms", "ours ms", "as fast", "rate", "of peak"].map(right),
    ],
    times.map((one) => [
      one.operation,
      one.of,
      one.shape,
      one.pass,
      milliseconds(one.stock),
      milliseconds(one.ours),
      `${one.speedUp.toFixed(2)}×`,
      `${giga(one.rate)} G${one.unit}`,
      `${(100 * one.share).toFixed(0)} %`,
    ]),
    terminal,
  );
  const text =
    `${table}\non ${info.name} (${info.adapter}), medians of at most ${rounds} ` +
    `rounds; peak: a plain product of matrices ${giga(peak.flops)} GFLOP/s, a plain ` +
    `copy ${giga(peak.bytes)} GB/s`;
  return {
    text,
    bench: "kernels",
    backend: info.name,
    adapter: info.adapter,
    rows: times.map(({ operation, of, shape, pass, ours, speedUp }) => ({
      name: `${operation}, ${of} (${shape}), ${pass}`,
      seconds: ours,
      speedUp,
    })),
    json: { backend: info.name, adapter: info.adapter, rounds, peak, times },
  };
}
