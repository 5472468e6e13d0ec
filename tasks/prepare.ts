/**
 * Checks a data set before anybody trains on it; see `deno task prepare --help`.
 *
 * @module
 */
import { cacheFolder, prepare, unknownDataSet } from "../mod.ts";
import { type Main, mainOf, STATUS } from "../src/cli/command.ts";
import { contactSheet } from "../src/cli/contact_sheet.ts";
import { argument, option } from "../src/cli/option.ts";
import { openPartCounter } from "../src/cli/part_counter.ts";
import { postponed } from "../src/cli/postponed.ts";
import { preparationText } from "../src/cli/preparation_text.ts";
import { assertWritableFile, writeResult } from "../src/cli/writable.ts";

/** @returns The exit status: 0 sound, 1 something is to be mended, 2 wrong usage. */
export const main: Main = mainOf({
  name: "deno task prepare",
  description:
    "Check every file of a data set and count its classes. Training finds the " +
    "counts, and the next call is quick. Writes only into the cache folder.",
  examples: [
    "deno task prepare cityscapes /data/cityscapes --picture cityscapes.png",
    "deno task prepare configs/gta5_to_cityscapes_mit_b5_fst_deep.yaml --set data.root=/data",
  ],
  arguments: {
    dataset: argument.one(
      "cityscapes, gta5, synthia, voc, camvid, folder, or a configuration",
    ),
    root: argument.optional(undefined, "its folder, archive or address"),
  },
  options: {
    set: option.texts("K=V", "replace a value of the configuration, e.g. data.root=…"),
    picture: option.text("FILE", "draw samples with their labels, as a PNG"),
    workers: option.count("N", "threads; all cores unless given"),
    cache: option.text("DIR", "cache folder; $XDG_CACHE_HOME/fst or ~/.cache/fst"),
  },
  hasJson: true,
  finishesOnInterrupt: true,
  async action({ arguments: { dataset, root }, options, terminal, print, log, signal }) {
    const unknown = unknownDataSet(dataset, root);
    if (unknown !== null) {
      log(unknown);
      return { status: STATUS.usage };
    }
    const { set: overrides, cache = await cacheFolder(), workers, picture } = options;
    if (picture !== undefined) await assertWritableFile(picture, ".png");
    using counter = openPartCounter(terminal, "picture");
    const how = { root, overrides, cache, workers, progress: counter.update, signal };
    const { preparation, pictures } = await prepare(dataset, how);
    counter.stop();
    print(preparationText(preparation, terminal));
    const failures: unknown[] = []; // told after what was found
    await postponed(async (path: string | undefined) => {
      if (path === undefined) return;
      await writeResult(path, contactSheet(await pictures()));
      print(`samples in ${path}`);
    }, failures)(picture);
    const status = preparation.problems.length > 0 ? STATUS.failed : STATUS.done;
    return { status, json: preparation, failures };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
