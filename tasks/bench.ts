/**
 * Benchmarks; see `deno task bench --help`.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { largeDataSetReport } from "../bench/io/large_report.ts";
import { ioReport } from "../bench/io/report.ts";
import { kernelsReport } from "../bench/kernels/report.ts";
import { TRACKS } from "../bench/compared_methods.ts";
import { evidenceReport } from "../bench/evidence/report.ts";
import { memoryReport } from "../bench/memory_report.ts";
import { methodsReport } from "../bench/methods_report.ts";
import { networksReport } from "../bench/networks_report.ts";
import { peersReport } from "../bench/peers/report.ts";
import { compareWithSaved, type Report, saveReport } from "../bench/report.ts";
import { reuseReport } from "../bench/reuse_report.ts";
import { scalingReport } from "../bench/scaling/report.ts";
import { stepReport } from "../bench/step/report.ts";
import { type CommandMain, defineCommand, EXIT_CODE } from "../src/cli/command.ts";
import { CPU_OPTIONS, cpuOptionsFrom } from "../src/cli/cpu_options.ts";
import { argument, option } from "../src/cli/option.ts";

const projectFile = (path: string) =>
  fileURLToPath(new URL(`../${path}`, import.meta.url));
const configFile = (name: string) => projectFile(`configs/${name}.yaml`);

/** The configurations of published rows, and those next to them. */
function publishedConfigs(parts: readonly string[]): string[] {
  const names = [...Deno.readDirSync(projectFile("configs"))].map(({ name }) => name)
    .filter((name) => /^(cityscapes|gta5|synthia|voc)_.*\.yaml$/.test(name));
  const isWanted = (name: string) => parts.some((part) => name.includes(part));
  const wanted = parts.length === 0 ? names : names.filter(isWanted);
  if (wanted.length === 0) {
    throw new RangeError(
      `Cannot estimate "${parts.join('" or "')}": no published configuration has that ` +
        "in its name, see docs/results.md",
    );
  }
  return wanted.map((name) => projectFile(`configs/${name}`));
}

const NETWORK_CONFIGS = ["mit_b5", "swin_b", "resnet101"]
  .map((network) => `gta5_to_cityscapes_${network}_fst_deep`);

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage. */
export const main: CommandMain = defineCommand({
  name: "deno task bench",
  description: "Measure: our kernels and a training step against tfjs, the " +
    "loader, what the published networks cost, the memory that configurations will need, " +
    "ranks that train together, the methods against each other, or the same work against " +
    "PyTorch and jax-js.",
  examples: [
    "deno task bench kernels --only conv2d",
    "deno task bench step",
    "deno task bench step --config bench/configs/mit_b0_128.yaml --only self-training",
    'deno task bench step --variant ours --only self-training --only "FST by head K=3"',
    "deno task bench step --backend webgpu --save before.json",
    "deno task bench step --backend webgpu --against before.json",
    "deno task bench reuse --backend wasm --side 64",
    "deno task bench io --set data.root=data/camvid",
    "deno task bench io --large",
    "deno task bench networks",
    "deno task bench memory --backend webgpu --only unimatch_v2",
    "deno task bench scaling --ranks 1,2 --set data.batchSize=8",
    "deno task bench methods --jobs 2",
    "deno task bench methods --track semi-supervised --out runs/bench_semi",
    "deno task bench methods --track camvid --set data.root=data/camvid --jobs 2",
    "deno task bench peers --only MiT-B0 --threads 1",
    "deno task bench peers --variant jax-js",
    "deno task bench peers --variant none --against ../fst-before",
  ],
  arguments: {
    what: argument.optional(
      "step",
      "kernels, step, reuse, io, networks, memory, scaling, methods or peers",
    ),
  },
  options: {
    config: option.string("FILE", "configuration of the run; one that fits unless given"),
    set: option.strings(
      "KEY=VALUE",
      "step, io, memory, scaling, methods on CamVid: a value in place of the " +
        "configuration's",
    ),
    backend: option.choice(["auto", "webgpu", "wasm"], "auto", "where to compute"),
    ...CPU_OPTIONS,
    rounds: option.integer(
      "N",
      "kernels, step, reuse, scaling, peers: rounds that count; io: steps; enough unless " +
        "given",
    ),
    only: option.strings(
      "NAME",
      "kernels, peers, memory: part of a name; step: a method; reuse: a network; methods " +
        "on CamVid: dusk or eighth; enough unless given",
    ),
    ranks: option.numbers(
      "N,N,…",
      [1, 2, 4],
      "scaling: numbers of ranks, started by mpirun",
    ),
    secondsPerIteration: option.numbers(
      "S,S,…",
      [1],
      "scaling: what an iteration of MiT-B5 is assumed to take a rank",
    ),
    side: option.integer("N", "reuse: side of the crops in pixels; 128 unless given"),
    variant: option.strings(
      "NAME",
      "step: tfjs, ours or replay; peers: pytorch, jax-js or none; all unless given",
    ),
    save: option.string(
      "FILE",
      "kernels, step, io, scaling, methods on CamVid: keep what was found",
    ),
    against: option.string(
      "FILE",
      "kernels, step, io, scaling: compare with what was kept; peers: a checkout of fst " +
        "that is " +
        "measured, too",
    ),
    seeds: option.integer("N", "methods: seeds; 5 unless given"),
    wallClockMethod: option.strings(
      "NAME",
      "methods on CamVid: one at equal wall clock besides FST-D K=3; all unless given",
    ),
    wallClockSeeds: option.integer(
      "N",
      "methods on CamVid: seeds at equal wall clock; as many as --seeds unless given",
    ),
    iterations: option.integer(
      "N",
      "methods: iterations of the method whose time all get, 60 unless given; scaling: " +
        "those of a turn, 4 unless given",
    ),
    track: option.choice(
      ["domain-adaptation", "semi-supervised", "camvid"],
      "domain-adaptation",
      "methods: domain adaptation, or semi-supervised, on drawn scenes; or both on CamVid, " +
        "with tests of the differences",
    ),
    start: option.choice(
      ["both", "scratch", "trained"],
      "both",
      "methods: where runs start from",
    ),
    large: option.integer(
      "N",
      "io: a data set of N tiny pictures, 100000 unless given, made and removed again",
      100_000,
    ),
    jobs: option.integer("N", "methods: processes at a time; 1 unless given"),
    out: option.string(
      "FOLDER",
      "methods, io --large: where to write; fits unless given",
    ),
  },
  hasJson: true,
  async action({ arguments: { what: benchmark }, options, terminal, print, log }) {
    const cpu = cpuOptionsFrom(options);
    const withConfig = (file: string) => ({
      ...options,
      cpu,
      config: options.config ?? file,
    });
    const report = async (measured: Report) => {
      print(measured.text);
      if (options.against !== undefined) {
        print(`\n${await compareWithSaved(options.against, measured, terminal)}`);
      }
      if (options.save !== undefined) await saveReport(options.save, measured);
      return { json: measured.json };
    };
    switch (benchmark) {
      case "kernels":
        return await report(await kernelsReport({ ...options, cpu }, terminal, log));
      case "step":
        return await report(
          await stepReport(
            withConfig(projectFile("bench/configs/mit_tiny_64.yaml")),
            terminal,
          ),
        );
      case "reuse": {
        const { text, json } = await reuseReport({ ...options, cpu }, terminal);
        print(text);
        return { json };
      }
      case "io":
        if (options.large !== undefined) {
          const { large, out = null } = options;
          return await report(await largeDataSetReport(large, out, terminal, log));
        }
        return await report(
          await ioReport(withConfig(projectFile("bench/configs/io.yaml")), terminal, log),
        );
      case "networks": {
        const files = options.config === undefined
          ? NETWORK_CONFIGS.map(configFile)
          : [options.config];
        const { text, json } = await networksReport(
          files,
          options.backend,
          cpu,
          terminal,
        );
        print(text);
        return { json };
      }
      case "memory": {
        const { only, config } = options;
        if (config !== undefined && only.length > 0) {
          log(
            "Cannot take both --config and --only: one file, or published ones by name",
          );
          return { exitCode: EXIT_CODE.usage };
        }
        const files = config === undefined ? publishedConfigs(only) : [config];
        const { text, json } = await memoryReport(files, { ...options, cpu }, terminal);
        print(text);
        return { json };
      }
      case "scaling": {
        const given = withConfig(projectFile("bench/configs/mit_b0_128.yaml"));
        const set = options.config === undefined
          ? ["data.batchSize=4", ...options.set] // one image for each of four ranks
          : options.set;
        return await report(await scalingReport({ ...given, set }, terminal, log));
      }
      case "peers": {
        const { text, json } = await peersReport({ ...options, cpu }, terminal, log);
        print(text);
        return { json };
      }
      case "methods": {
        const { track } = options;
        if (track === "camvid") {
          const { native } = cpu;
          const { text, json } = await evidenceReport(
            { ...options, native },
            terminal,
            log,
          );
          print(text);
          if (options.save !== undefined) {
            await Deno.writeTextFile(
              options.save,
              `${JSON.stringify(json, null, 2)}\n`,
            );
          }
          return { json };
        }
        const given = withConfig(configFile(TRACKS[track].config));
        const { text, json } = await methodsReport({ ...given, track }, terminal, log);
        print(text);
        return { json };
      }
      default:
        log(
          `Cannot benchmark "${benchmark}": known are kernels, step, reuse, io, networks, ` +
            "memory, scaling, methods and peers",
        );
        return { exitCode: EXIT_CODE.usage };
    }
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
