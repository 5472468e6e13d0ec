/**
 * Trains a network from one configuration file; see `deno task train --help`.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  configName,
  defaultCacheFolder,
  loadConfig,
  testGpuOnce,
  train,
} from "../mod.ts";
import { type CommandMain, defineCommand, EXIT_CODE } from "../src/cli/command.ts";
import { CPU_OPTIONS, cpuOptionsFrom } from "../src/cli/cpu_options.ts";
import { iouTable } from "../src/cli/evaluation_report.ts";
import { argument, option } from "../src/cli/option.ts";
import { openGpuTestProgress } from "../src/cli/gpu_test_progress.ts";
import { openTrainingReporter } from "../src/cli/training_reporter.ts";

const DEMO = fileURLToPath(new URL("../configs/demo.yaml", import.meta.url));

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
export const main: CommandMain = defineCommand({
  name: "deno task train",
  description: "Train the run that a configuration file describes, or resume it.",
  examples: [
    "deno task train",
    "deno task train configs/street_fst_deep.yaml --seed 1 --out runs/first",
  ],
  arguments: { config: argument.optional(DEMO, "YAML file of the run") },
  options: {
    out: option.string("FOLDER", "folder of the run; runs/<config name> unless given"),
    set: option.strings("K=V", "replace a value of the configuration, e.g. data.root=…"),
    seed: option.integer("N", "replace the seed"),
    iterations: option.integer("N", "replace the number of iterations"),
    backend: option.choice(["auto", "webgpu", "wasm"], "auto", "where to compute"),
    ...CPU_OPTIONS,
    fresh: option.flag("start over; an old run is kept under a new name"),
    cache: option.string("DIR", "cache folder; $XDG_CACHE_HOME/fst or ~/.cache/fst"),
  },
  hasJson: true,
  handlesInterrupt: true,
  async action({ arguments: { config: file }, options, terminal, print, log, signal }) {
    const overrides = [...options.set];
    for (const key of ["seed", "iterations"] as const) {
      if (options[key] !== undefined) overrides.push(`${key}=${options[key]}`);
    }
    const config = await loadConfig(file, overrides, log);
    const out = options.out ?? join("runs", configName(file));
    const { backend, fresh, cache = await defaultCacheFolder() ?? undefined } = options;
    const observer = openTrainingReporter(terminal);
    const cpu = cpuOptionsFrom(options);
    const test = openGpuTestProgress(terminal);
    if (await testGpuOnce(backend, cache ?? null, test.update).finally(test.stop)) {
      log("the GPU has passed the self-test of a first start");
    }
    const trainOptions = { out, backend, ...cpu, fresh, cache, signal, observer };
    const { status, summary } = await train(config, trainOptions).finally(observer.stop);
    if (summary === null) return { exitCode: EXIT_CODE.interrupted };
    if (status === "already finished") {
      print(`the run in ${out} is already finished; its result:`);
    }
    print(iouTable(summary.evaluation, terminal));
    print(`run        ${out}`);
    return { json: summary };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
