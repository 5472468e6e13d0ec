/** `bench memory`: what iterations of configurations will need, as a table. @module */
import { formatBytes } from "../src/cli/format_bytes.ts";
import { formatTable } from "../src/cli/format_table.ts";
import type { Terminal } from "../src/cli/terminal.ts";
import { isSemiSupervised } from "../src/config/method.ts";
import { configName, loadConfig } from "../src/config/read.ts";
import type { RunConfig } from "../src/config/schema.ts";
import { type BackendChoice, type CpuOptions, openBackend } from "../src/core/backend.ts";
import { buildNetwork } from "../src/evaluate/build_network.ts";
import { classesOf } from "../src/prepare/data_specs.ts";
import { estimateMemory } from "../src/train/estimate_memory.ts";
import { trainedNetwork, usesFeatureDistance } from "../src/train/training_session.ts";
import { left, right } from "./report.ts";

/** What a configuration needs. */
interface MemoryNeeds {
  /** With * for a number of labels that makes no difference. */
  readonly name: string;
  readonly crop: string;
  readonly batchSize: number;
  /** Bytes by {@linkcode VARIANTS}; null: not possible with this method or on this device. */
  readonly peaks: readonly (number | null)[];
  /** Why the device cannot; null: it can. */
  readonly refusal: string | null;
}

const CHECKPOINTING = "model.activationCheckpointing=true";

/** What is set for less memory; null: nothing can be. */
const VARIANTS: Readonly<
  Record<string, (config: RunConfig) => readonly string[] | null>
> = {
  "as it is": () => [],
  checkpointing: () => [CHECKPOINTING],
  "and accumulation": ({ method, data: { batchSize } }) =>
    isSemiSupervised(method)
      ? null
      : [CHECKPOINTING, `optimizer.accumulationSteps=${batchSize}`],
};

/**
 * Estimates the memory of an iteration of each configuration from shapes alone: neither
 * data nor weights are read, and nothing is computed.
 */
export async function memoryReport(
  files: readonly string[],
  { backend, cpu, set }: {
    readonly backend: BackendChoice;
    readonly cpu: CpuOptions;
    readonly set: readonly string[];
  },
  terminal: Terminal,
): Promise<{ text: string; json: unknown }> {
  const { name: opened, adapter } = await openBackend(backend, cpu);
  const configs = new Map<string, MemoryNeeds>();
  for (const file of files) {
    const needs = await memoryNeeds(file, set);
    configs.set(JSON.stringify(needs), needs);
  }
  const rows = [...configs.values()].sort((a, b) => a.name < b.name ? -1 : 1);
  const table = formatTable(
    [
      left("configuration"),
      ...["crops", "batch", ...Object.keys(VARIANTS)].map(right),
    ],
    rows.map(({ name, crop, batchSize, peaks }) => [
      name,
      crop,
      String(batchSize),
      ...peaks.map((bytes) => bytes === null ? "–" : formatBytes(bytes)),
    ]),
    terminal,
  );
  const refusals = rows.flatMap(({ name, refusal }) =>
    refusal === null ? [] : [`note       ${name}: ${refusal}`]
  );
  const text = [
    table,
    ...refusals,
    `peak of an iteration on ${opened} (${adapter}): as it is, with ` +
    "model.activationCheckpointing, and with micro-batches of one image, too",
  ].join("\n");
  return { text, json: { backend: opened, adapter, configs: rows } };
}

async function memoryNeeds(file: string, set: readonly string[]): Promise<MemoryNeeds> {
  const config = await loadConfig(file, set);
  const peaks: (number | null)[] = [];
  let refusal: string | null = null;
  for (const variant of Object.values(VARIANTS)) {
    const more = variant(config);
    if (more === null) {
      peaks.push(null);
      continue;
    }
    try {
      peaks.push(await peakBytes(await loadConfig(file, [...set, ...more])));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      peaks.push(null);
      refusal = error.message;
    }
  }
  const { batchSize, cropSize: { width, height } } = config.data;
  const name = configName(file).replace(/_\d+_/, "_*_");
  return { name, crop: `${width}×${height}`, batchSize, peaks, refusal };
}

async function peakBytes(config: RunConfig): Promise<number> {
  const classes = classesOf(config.data);
  const network = buildNetwork(config.model, classes.length, config.data.channels);
  const trained = trainedNetwork(network, config);
  const hasFrozen = usesFeatureDistance(config);
  return (await estimateMemory(config, classes, trained, hasFrozen)).total;
}
