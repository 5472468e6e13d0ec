/**
 * Benchmarks; see `deno task bench --help`.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { largeReport } from "../bench/io/large_report.ts";
import { ioReport } from "../bench/io/report.ts";
import { kernelsReport } from "../bench/kernels/report.ts";
import { TRACKS } from "../bench/methods_compared.ts";
import { benchMethods } from "../bench/methods_report.ts";
import { networksReport } from "../bench/networks_report.ts";
import { against, type Report, saveReport } from "../bench/report.ts";
import { reuseReport } from "../bench/reuse_report.ts";
import { stepReport } from "../bench/step/report.ts";
import { type Main, mainOf } from "../src/cli/command.ts";
import { argument, option } from "../src/cli/option.ts";

const fileOf = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const config = (name: string) => fileOf(`configs/${name}.yaml`);

const NETWORKS = ["mit_b5", "swin_b", "resnet101"]
  .map((network) => `gta5_to_cityscapes_${network}_fst_deep`);

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage. */
export const main: Main = mainOf({
  name: "deno task bench",
  description: "Measure: our kernels and a training step against stock operations, the " +
    "loader, what the published networks cost, or the methods against each other.",
  examples: [
    "deno task bench kernels --only conv2d",
    "deno task bench step",
    "deno task bench step --config bench/configs/mit_b0_128.yaml --only self-training",
    "deno task bench step --backend webgpu --save before.json",
    "deno task bench step --backend webgpu --against before.json",
    "deno task bench reuse --backend wasm --side 64",
    "deno task bench io --set data.root=data/camvid",
    "deno task bench io --large",
    "deno task bench networks",
    "deno task bench methods --jobs 2",
    "deno task bench methods --track semi --out runs/bench_semi",
  ],
  arguments: {
    what: argument.optional("step", "kernels, step, reuse, io, networks or methods"),
  },
  options: {
    config: option.text("FILE", "configuration of the run; one that fits unless given"),
    set: option.texts("KEY=VALUE", "step, io: a value in place of the configuration's"),
    backend: option.choice(["auto", "webgpu", "wasm"], "auto", "where to compute"),
    rounds: option.count(
      "N",
      "kernels, step, reuse: rounds that count; io: steps; enough unless given",
    ),
    only: option.texts(
      "NAME",
      "kernels: part of a name; step: a method; reuse: a network; enough unless given",
    ),
    side: option.count("N", "reuse: side of the crops in pixels; 128 unless given"),
    variant: option.texts("NAME", "step: stock, ours or replay; all unless given"),
    save: option.text("FILE", "kernels, step, io: keep what was found"),
    against: option.text("FILE", "kernels, step, io: compare with what was kept"),
    seeds: option.count("N", "methods: seeds; 5 unless given"),
    iterations: option.count(
      "N",
      "methods: iterations of the pacemaker; 60 unless given",
    ),
    track: option.choice(
      ["adaptation", "semi"],
      "adaptation",
      "methods: with another domain without labels, or with few labels",
    ),
    start: option.choice(
      ["both", "scratch", "trained"],
      "both",
      "methods: where runs start from",
    ),
    large: option.count(
      "N",
      "io: a data set of N tiny pictures, 100000 unless given, made and removed again",
      100_000,
    ),
    jobs: option.count("N", "methods: processes at a time; 1 unless given"),
    out: option.text("FOLDER", "methods, io --large: where to write; fits unless given"),
  },
  hasJson: true,
  async action({ arguments: { what }, options, terminal, print, log }) {
    const or = (file: string) => ({ ...options, config: options.config ?? file });
    const report = async (found: Report) => {
      print(found.text);
      if (options.against !== undefined) {
        print(`\n${await against(options.against, found, terminal)}`);
      }
      if (options.save !== undefined) await saveReport(options.save, found);
      return { json: found.json };
    };
    switch (what) {
      case "kernels":
        return await report(await kernelsReport(options, terminal, log));
      case "step":
        return await report(await stepReport(or(config("demo")), terminal));
      case "reuse": {
        const { text, json } = await reuseReport(options, terminal);
        print(text);
        return { json };
      }
      case "io":
        if (options.large !== undefined) {
          const { large, out = null } = options;
          return await report(await largeReport(large, out, terminal, log));
        }
        return await report(
          await ioReport(or(fileOf("bench/configs/io.yaml")), terminal, log),
        );
      case "networks": {
        const files = options.config === undefined
          ? NETWORKS.map(config)
          : [options.config];
        const { text, json } = await networksReport(files, options.backend, terminal);
        print(text);
        return { json };
      }
      case "methods": {
        const given = or(config(TRACKS[options.track].config));
        const { text, json } = await benchMethods(given, terminal, log);
        print(text);
        return { json };
      }
      default:
        log(
          `Cannot measure "${what}": known are kernels, step, reuse, io, networks and ` +
            "methods",
        );
        return { status: 2 };
    }
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
