/**
 * Benchmarks; see `deno task bench --help`.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { benchMethods } from "../bench/methods_report.ts";
import { networksReport } from "../bench/networks_report.ts";
import { reuseReport } from "../bench/reuse_report.ts";
import { stepReport } from "../bench/step_report.ts";
import { runCommand } from "../src/cli/command.ts";
import { argument, option } from "../src/cli/option.ts";

const config = (name: string) =>
  fileURLToPath(new URL(`../configs/${name}.yaml`, import.meta.url));

const NETWORKS = ["mit_b5", "swin_b", "resnet101"]
  .map((network) => `gta5_to_cityscapes_${network}_fst_deep`);

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage. */
export const main = (args: readonly string[]): Promise<number> =>
  runCommand({
    name: "deno task bench",
    description:
      "Measure: what an iteration costs, what the published networks cost, or " +
      "the methods against each other.",
    examples: [
      "deno task bench step",
      "deno task bench step --backend webgpu --rounds 3",
      "deno task bench networks",
      "deno task bench reuse --backend wasm --side 64",
      "deno task bench methods --jobs 2",
    ],
    arguments: { what: argument.optional("step", "step, reuse, networks or methods") },
    options: {
      config: option.text(
        "FILE",
        "configuration of the run; demo or street unless given",
      ),
      backend: option.choice(["auto", "webgpu", "wasm"], "auto", "where to compute"),
      rounds: option.count("N", "step, reuse: rounds that count; 10 or 5 unless given"),
      only: option.texts(
        "NAME",
        "step: a method to time, reuse: a network; all unless given",
      ),
      side: option.count("N", "reuse: side of the crops in pixels; 128 unless given"),
      seeds: option.count("N", "methods: seeds; 5 unless given"),
      iterations: option.count(
        "N",
        "methods: iterations of the pacemaker; 60 unless given",
      ),
      jobs: option.count("N", "methods: processes at a time; 1 unless given"),
      out: option.text("FOLDER", "methods: folder of the runs; runs/bench unless given"),
    },
    hasJson: true,
    async action({ arguments: { what }, options, terminal, print, log }) {
      if (what === "step") {
        const file = options.config ?? config("demo");
        const { text, json } = await stepReport({ ...options, config: file }, terminal);
        print(text);
        return { json };
      }
      if (what === "networks") {
        const files = options.config === undefined
          ? NETWORKS.map(config)
          : [options.config];
        const { text, json } = await networksReport(files, options.backend, terminal);
        print(text);
        return { json };
      }
      if (what === "reuse") {
        const { text, json } = await reuseReport(options, terminal);
        print(text);
        return { json };
      }
      if (what !== "methods") {
        log(`Cannot measure "${what}": known are step, reuse, networks and methods`);
        return { status: 2 };
      }
      const file = options.config ?? config("street_self_training");
      const { text, json } = await benchMethods(
        { ...options, config: file },
        terminal,
        log,
      );
      print(text);
      return { json };
    },
  }, args);

if (import.meta.main) Deno.exit(await main(Deno.args));
