/** `bench networks`: what the published networks cost, as a table. @module */
import { fileURLToPath } from "node:url";
import { configName } from "../src/config/read.ts";
import { formatTable } from "../src/cli/format_table.ts";
import type { Terminal } from "../src/cli/terminal.ts";
import type { BackendChoice, CpuOptions } from "../src/core/backend.ts";
import type { NetworkCost } from "./measure_network.ts";
import { left, right } from "./report.ts";

/** The side of the picture, in pixels. */
const IMAGE_SIDE = 512;

const MEASURE_SCRIPT = fileURLToPath(new URL("./measure_network.ts", import.meta.url));

async function measureInProcess(
  config: string,
  backend: BackendChoice,
  { native = "off", threads = 1 }: CpuOptions,
): Promise<NetworkCost> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      MEASURE_SCRIPT,
      config,
      backend,
      String(IMAGE_SIDE),
      native,
      String(threads),
    ],
  }).output();
  const text = new TextDecoder();
  if (code === 0) return JSON.parse(text.decode(stdout));
  throw new Error(`Cannot measure "${config}": ${text.decode(stderr)}`);
}

/** Measures the networks of configurations, one after another. */
export async function networksReport(
  configs: readonly string[],
  backend: BackendChoice,
  cpu: CpuOptions,
  terminal: Terminal,
): Promise<{ text: string; json: unknown }> {
  const costs: (NetworkCost & { network: string })[] = [];
  for (const config of configs) {
    costs.push({
      network: configName(config),
      ...await measureInProcess(config, backend, cpu),
    });
  }
  const millions = (count: number) => `${(count / 1e6).toFixed(1)} M`;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
  const seconds = (value: number) => `${value.toFixed(1)} s`;
  const table = formatTable(
    [
      left("network of"),
      ...["parameters", "file", "build", "save", "load"].map(right),
      ...["first forward", "next forward", "peak"].map(right),
    ],
    costs.map(({ forward: [first, next], ...cost }) => [
      cost.network,
      millions(cost.parameters),
      gigabytes(cost.fileBytes),
      ...[cost.build, cost.save, cost.load, first, next].map(seconds),
      gigabytes(cost.peakBytes),
    ]),
    terminal,
  );
  const [first] = costs;
  const text =
    `${table}\na picture of ${IMAGE_SIDE}×${IMAGE_SIDE} on ${first?.backend} ` +
    `(${first?.adapter}), each network in a process of its own`;
  return { text, json: { side: IMAGE_SIDE, networks: costs } };
}
