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
  findLaunch,
  listenForStop,
  loadConfig,
  openDashboard,
  openRanks,
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

/**
 * @returns The exit status: 0 done, 1 failed, 2 wrong usage, 75 stopped by SIGUSR1, 130
 * interrupted.
 */
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
    distributed: option.flag("train together with all that mpirun or srun has started"),
    futures: option.choice(
      ["together", "ranks"],
      "together",
      "with ranks: all compute each future, or a group of ranks each",
    ),
    fresh: option.flag("start over; an old run is kept under a new name"),
    acceptChangedData: option.flag("go on though images or labels have changed"),
    ui: option.flag("show the run in a browser, on a page of this machine"),
    port: option.integer("N", "port of the page; the first free one from 8787 on"),
    cache: option.string("DIR", "cache folder; $XDG_CACHE_HOME/fst or ~/.cache/fst"),
  },
  hasJson: true,
  handlesInterrupt: true,
  async action({ arguments: { config: file }, options, terminal, print, log, signal }) {
    using stop = listenForStop();
    if (!options.distributed) assertStartedAlone();
    const ranks = options.distributed ? await openRanks() : null;
    const isFirst = (ranks?.rank ?? 0) === 0;
    if (options.distributed && ranks === null) {
      log(
        "ranks      1: neither mpirun nor srun has started this process; it trains alone",
      );
    }
    const overrides = [...options.set];
    for (const key of ["seed", "iterations"] as const) {
      if (options[key] !== undefined) overrides.push(`${key}=${options[key]}`);
    }
    const config = await loadConfig(file, overrides, isFirst ? log : () => {});
    const out = options.out ?? join("runs", configName(file));
    const { backend, fresh, acceptChangedData, futures } = options;
    const { cache = await defaultCacheFolder() ?? undefined } = options;
    const observer = openTrainingReporter(terminal);
    const cpu = cpuOptionsFrom(options);
    const test = openGpuTestProgress(terminal);
    const isFirstOfHost = (ranks?.localRank ?? 0) === 0;
    const isTested = isFirstOfHost &&
      await testGpuOnce(backend, cache ?? null, test.update).finally(test.stop);
    if (isTested && isFirst) {
      log("the GPU has passed the self-test of a first start");
    }
    stop.signal.addEventListener("abort", () => {
      if (isFirst) observer.log("asked to stop: saving; the same command goes on");
    });
    const signals = AbortSignal.any([signal, stop.signal]);
    const where = { out, backend, ...cpu, cache, signal: signals, observer };
    const trainOptions = { ...where, fresh, acceptChangedData, futures };
    const dashboard = options.ui && isFirst
      ? await openPage({ runs: [out], port: options.port }, observer.log)
      : null;
    const { status, summary } = await train(config, trainOptions).finally(async () => {
      observer.stop();
      await dashboard?.close();
    });
    const asked = Float32Array.of(stop.signal.aborted ? 1 : 0);
    await ranks?.sumAsync(asked);
    await ranks?.finalize();
    if (summary === null) {
      return { exitCode: asked[0] === 0 ? EXIT_CODE.interrupted : EXIT_CODE.stopped };
    }
    if (!isFirst) return {};
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

/** @throws {Error} If other processes were started along with this one. */
function assertStartedAlone(): void {
  const { launcher, rank, size } = findLaunch() ?? { launcher: "", rank: 0, size: 1 };
  const count = size ?? rank + 1;
  if (count === 1) return;
  throw new Error(
    `Cannot train in each of the ${count} processes that ${launcher} has started: add ` +
      "--distributed, with which they train one network together, or start one process",
  );
}

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
