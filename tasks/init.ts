/**
 * Writes a configuration for a folder of pictures; see `deno task init --help`.
 *
 * @module
 */
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { initConfig, writeExample } from "../mod.ts";
import { type CommandMain, defineCommand } from "../src/cli/command.ts";
import { drawContactSheet } from "../src/cli/image_grid.ts";
import { argument, option } from "../src/cli/option.ts";
import { openSplitProgress } from "../src/cli/progress_bar.ts";
import { writeOutputFile } from "../src/io/output_file.ts";

const SCHEMA = new URL("../configs/schema.json", import.meta.url);

/** @returns The exit status: 0 written, 1 nothing can be made of the folder, 2 wrong usage. */
export const main: CommandMain = defineCommand({
  name: "deno task init",
  description:
    "Look at a folder or an archive of pictures with labels and write a configuration " +
    "for it, with comments: classes, splits, and a network that fits this device. " +
    "Nothing is overwritten, and nothing in the folder is changed.",
  examples: [
    "deno task init photos",
    "deno task init streets --example",
    "deno task init /data/camvid --out camvid.yaml",
    "deno task init photos --labels masks_by_hand --seed 1",
  ],
  arguments: {
    folder: argument.one(
      "what holds the pictures, in folders of any names; or an archive",
    ),
  },
  options: {
    example: option.flag("first draw some streets with masks into FOLDER, a new one"),
    out: option.string(
      "FILE",
      "the configuration; FOLDER's name with .yaml unless given",
    ),
    labels: option.string(
      "NAME",
      "folder or suffix of the labels, where there are several",
    ),
    seed: option.integer("N", "of the division into images to train and to evaluate on"),
    backend: option.choice(
      ["auto", "webgpu", "wasm"],
      "auto",
      "where the run will compute",
    ),
  },
  hasJson: true,
  handlesInterrupt: true,
  async action({ arguments: { folder }, options, terminal, print, signal }) {
    const { out = `${nameOf(folder)}.yaml`, labels, seed, backend } = options;
    if (options.example) {
      print(`drawn      ${await writeExample(folder)} streets with masks, in ${folder}`);
    }
    using counter = openSplitProgress(terminal, "label");
    const schema = SCHEMA.protocol === "file:" ? fileURLToPath(SCHEMA) : SCHEMA.href;
    const progress = (done: number, of: number) => counter.update("labels", done, of);
    const made = await initConfig(folder, {
      ...{ out, schema, labels, seed, backend, progress, signal },
    });
    counter.stop();
    const { samples, sheet, ...report } = made;
    await writeOutputFile(sheet, drawContactSheet(samples));
    const { labeled, unlabeled, evaluation } = report.images;
    print(`found      ${report.title}`);
    print(
      `images     ${labeled} to train on, ${evaluation} to evaluate on` +
        (unlabeled > 0 ? `, ${unlabeled} without labels` : ""),
    );
    print(`classes    ${listNames(report.classes)}`);
    report.notes.forEach((note) => print(`note       ${note}`));
    print(`written    ${[...report.files, sheet].join(", ")}`);
    print(`next       look at ${sheet} and at ${out}, then`);
    print(`           ${report.command}`);
    return { json: { ...report, files: [...report.files, sheet] } };
  },
});

const nameOf = (folder: string): string => {
  const name = basename(resolve(folder)).replace(/\.(zip|tar)$/i, "")
    .replace(/[^\w.-]+/g, "_");
  return /^[.~]*$/.test(name) ? "my" : name;
};

/** Classes that a line names. */
const MAX_NAMED = 8;

const listNames = (names: readonly string[]): string =>
  names.slice(0, MAX_NAMED).join(", ") +
  (names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : "");

if (import.meta.main) Deno.exit(await main(Deno.args));
