/**
 * Trains a network from one configuration file; see `deno task train --help`.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  configName,
  type Dashboard,
  type DashboardOptions,
  defaultCacheFolder,
  loadConfig,
  openDashboard,
  testGpuOnce,
  train,
} from "../mod.ts";
import {
  type CommandMain,
  deferFailure,
  defineCommand,
  EXIT_CODE,
} from "../src/cli/command.ts";
import { CPU_OPTIONS, cpuOptionsFrom } from "../src/cli/cpu_options.ts";
import { writeCurves } from "../src/cli/curves_picture.ts";
import { iouTable } from "../src/cli/evaluation_report.ts";
import { argument, option } from "../src/cli/option.ts";
import { openGpuTestProgress } from "../src/cli/gpu_test_progress.ts";
import { openTrainingReporter } from "../src/cli/training_reporter.ts";

const DEMO = fileURLToPath(new URL("../configs/demo.yaml", import.meta.url));

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
export const main: CommandMain = defineCommand({
  name: "deno task train",
  networkName: "deno task train:net",
  description: "Train the run that a configuration file describes, or resume it.",
  examples: [
    "deno task train",
    "deno task train --ui",
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
    acceptChangedData: option.flag("go on though images or labels have changed"),
    ui: option.flag("show the run in a browser, on a page of this machine"),
    port: option.integer("N", "port of the page; the first free one from 8787 on"),
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
    const { backend, fresh, acceptChangedData } = options;
    const { cache = await defaultCacheFolder() ?? undefined } = options;
    const observer = openTrainingReporter(terminal);
    const cpu = cpuOptionsFrom(options);
    const test = openGpuTestProgress(terminal);
    if (await testGpuOnce(backend, cache ?? null, test.update).finally(test.stop)) {
      log("the GPU has passed the self-test of a first start");
    }
    const where = { out, backend, ...cpu, cache, signal, observer };
    const trainOptions = { ...where, fresh, acceptChangedData };
    const dashboard = options.ui
      ? await openPage({ runs: [out], port: options.port }, observer.log)
      : null;
    const { status, summary } = await train(config, trainOptions).finally(async () => {
      observer.stop();
      await dashboard?.close();
    });
    if (summary === null) return { exitCode: EXIT_CODE.interrupted };
    if (status === "already finished") {
      print(`the run in ${out} is already finished; its result:`);
    }
    print(iouTable(summary.evaluation, terminal));
    (summary.evaluation.notes ?? []).forEach((note) => print(`note       ${note}`));
    print(`run        ${out}`);
    if (dashboard !== null) print(`page       closed; again with: deno task ui ${out}`);
    const failures: unknown[] = [];
    if (status === "finished") await deferFailure(writeCurves, failures)(out);
    return { json: summary, failures };
  },
});

/** Serves the page; a run goes on without one. @returns Null if it cannot be served. */
async function openPage(
  options: DashboardOptions,
  log: (line: string) => void,
): Promise<Dashboard | null> {
  try {
    const dashboard = await openDashboard(options, log);
    log(`page       ${dashboard.url}`);
    return dashboard;
  } catch (error) {
    log(`${error instanceof Error ? error.message : error}; the run goes on without it`);
    return null;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
