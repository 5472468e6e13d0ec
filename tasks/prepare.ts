/**
 * Checks a data set before a run; see `deno task prepare --help`.
 *
 * @module
 */
import {
  cropPicturesProblem,
  dataSetNameProblem,
  defaultCacheFolder,
  prepare,
} from "../mod.ts";
import {
  type CommandMain,
  deferFailure,
  defineCommand,
  EXIT_CODE,
} from "../src/cli/command.ts";
import { drawContactSheet } from "../src/cli/image_grid.ts";
import { argument, option } from "../src/cli/option.ts";
import { openSplitProgress } from "../src/cli/progress_bar.ts";
import { formatPreparation } from "../src/cli/format_preparation.ts";
import { assertWritableFile, writeOutputFile } from "../src/io/output_file.ts";

/** @returns The exit status: 0 sound, 1 something is to be mended, 2 wrong usage. */
export const main: CommandMain = defineCommand({
  name: "deno task prepare",
  networkName: "deno task prepare:net",
  description:
    "Check every file of a data set and count its classes. Training finds the " +
    "counts, and the next call is quick. Writes only into the cache folder.",
  examples: [
    "deno task prepare cityscapes /data/cityscapes --picture cityscapes.png",
    "deno task prepare configs/gta5_to_cityscapes_mit_b5_fst_deep.yaml --set data.root=/data",
    "deno task prepare configs/demo.yaml --crops crops.png",
  ],
  arguments: {
    dataset: argument.one(
      "cityscapes, gta5, synthia, voc, camvid, folder, or a configuration",
    ),
    root: argument.optional(undefined, "its folder, archive or address"),
  },
  options: {
    set: option.strings("K=V", "replace a value of the configuration, e.g. data.root=…"),
    picture: option.string("FILE", "draw samples with their labels, as a PNG"),
    crops: option.string(
      "FILE",
      "draw crops as the network gets them, augmented, as a PNG",
    ),
    workers: option.integer("N", "threads; all cores unless given"),
    cache: option.string("DIR", "cache folder; $XDG_CACHE_HOME/fst or ~/.cache/fst"),
  },
  hasJson: true,
  handlesInterrupt: true,
  async action({ arguments: { dataset, root }, options, terminal, print, log, signal }) {
    const problem = dataSetNameProblem(dataset, root) ??
      (options.crops === undefined ? null : cropPicturesProblem(dataset));
    if (problem !== null) {
      log(problem);
      return { exitCode: EXIT_CODE.usage };
    }
    const { set: overrides, cache = await defaultCacheFolder(), workers } = options;
    const { picture, crops } = options;
    for (const file of [picture, crops]) {
      if (file !== undefined) await assertWritableFile(file, ".png");
    }
    using counter = openSplitProgress(terminal, "image");
    const prepareOptions = {
      root,
      overrides,
      cache,
      workers,
      progress: counter.update,
      signal,
    };
    const { report, samplePictures, cropPictures } = await prepare(
      dataset,
      prepareOptions,
    );
    counter.stop();
    print(formatPreparation(report, terminal));
    const failures: unknown[] = []; // printed after what was found
    await deferFailure(async (path: string | undefined) => {
      if (path === undefined) return;
      await writeOutputFile(path, drawContactSheet(await samplePictures()));
      print(`preview written to ${path}`);
    }, failures)(picture);
    await deferFailure(async (path: string | undefined) => {
      if (path === undefined) return;
      await writeOutputFile(path, drawContactSheet([await cropPictures()]));
      print(`crops written to ${path}`);
    }, failures)(crops);
    const exitCode = report.problems.length > 0 ? EXIT_CODE.failed : EXIT_CODE.done;
    return { exitCode, json: report, failures };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
