/**
 * Measures a checkpoint on labelled pictures; see `deno task eval --help`.
 *
 * @module
 */
import { type EvaluateOptions, loadNetwork } from "../mod.ts";
import { type Main, mainOf } from "../src/cli/command.ts";
import { iouTable } from "../src/cli/iou_table.ts";
import { LOOK_OPTIONS, roleOf } from "../src/cli/look_options.ts";
import { argument, option } from "../src/cli/option.ts";
import { openPredictionFolder } from "../src/cli/prediction_folder.ts";
import { openCounter } from "../src/cli/progress_bar.ts";

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage. */
export const main: Main = mainOf({
  name: "deno task eval",
  description: "Measure a checkpoint on labelled pictures.",
  examples: [
    "deno task eval runs/demo/last.safetensors",
    "deno task eval best.safetensors --set data.root=data/camvid --split val --save out",
  ],
  arguments: { ckpt: argument.one("a .safetensors file that a run has saved") },
  options: {
    split: option.text(
      "NAME",
      "a named evaluation, else the first, or a split folder",
    ),
    ...LOOK_OPTIONS,
    save: option.text("DIR", "write label maps and overlays into this folder"),
  },
  hasJson: true,
  async action({ arguments: { ckpt }, options, terminal, print, log }) {
    const { save: folder, teacher, student, set: overrides, backend, ...how } = options;
    const whose = roleOf({ teacher, student });
    using network = await loadNetwork(ckpt, { overrides, backend, ...whose });
    const { role, iteration, classes, config } = network;
    log(`network    ${role} after ${iteration} iterations`);
    log(`backend    ${network.backend.name} on ${network.backend.adapter}`);
    const save = await openPredictionFolder(folder, classes, config.data);
    using progress = openCounter(terminal, "image");
    const seen: EvaluateOptions["seen"] = async ({ sample, labels }, done, of) => {
      await save({ ...sample, data: sample.image, labels });
      progress.update(done, of);
    };
    const result = await network.evaluate({ ...how, seen });
    progress.stop();
    const { mIoU, pixelAccuracy, images } = result;
    print(iouTable(result, terminal));
    print(`${images} images of "${result.split}"`);
    const named = result.classes.map(({ name, iou }) => ({ name, iou }));
    return { json: { mIoU, pixelAccuracy, images, classes: named } };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
