/**
 * Labels pictures with a checkpoint; see `deno task predict --help`.
 *
 * @module
 */
import { displayNote, loadNetwork, readRaster } from "../mod.ts";
import { type CommandMain, defineCommand } from "../src/cli/command.ts";
import { cpuOptionsFrom, formatBackend } from "../src/cli/cpu_options.ts";
import {
  INFERENCE_OPTIONS,
  LABEL_IDS_OPTION,
  selectNetworkRole,
} from "../src/cli/inference_options.ts";
import { argument, option } from "../src/cli/option.ts";
import { createPredictionWriter, predictionPaths } from "../src/cli/prediction_files.ts";
import { openCounter } from "../src/cli/progress_bar.ts";
import { assertWritableFolder } from "../src/io/output_file.ts";

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage. */
export const main: CommandMain = defineCommand({
  name: "deno task predict",
  description: "Predict segmentations: <stem>_labels.png holds class ids in " +
    "their colors, <stem>_overlay.png lays the colors over the picture.",
  examples: [
    "deno task predict runs/demo/best.safetensors street.jpg --out labels",
    "deno task predict best.safetensors test/*/*.png --out results --ids labelIds",
  ],
  arguments: {
    ckpt: argument.one("a .safetensors file that a run has saved"),
    image: argument.many("JPEG, PNG or TIFF files of any size"),
  },
  options: {
    out: option.string("DIR", "where results go; beside each image unless given"),
    ids: LABEL_IDS_OPTION,
    ...INFERENCE_OPTIONS,
  },
  hasJson: true,
  async action({ arguments: { ckpt, image }, options, terminal, print, log }) {
    const { out = null, ids, set: overrides, backend, native, threads, ...more } =
      options;
    const { teacher, student, ...testTimeAugmentation } = more;
    const paths = await predictionPaths(image, out, ids);
    if (out !== null) await assertWritableFolder(out);
    const role = selectNetworkRole({ teacher, student });
    const cpu = cpuOptionsFrom({ native, threads });
    using network = await loadNetwork(ckpt, { overrides, backend, ...cpu, log, ...role });
    log(formatBackend(network.backend));
    const shown = displayNote(network.config.data);
    if (shown !== null && ids === "classIds") log(shown);
    const write = createPredictionWriter(network.classes, ids);
    using progress = openCounter(terminal, "image");
    let done = 0;
    for (const outputs of paths) {
      const picture = await readRaster(outputs.image, network.config.data);
      const labels = await network.predict(picture, testTimeAugmentation);
      await write(outputs, { ...picture, labels });
      progress.update(++done, paths.length);
    }
    progress.stop();
    for (const { labels, overlay } of paths) {
      print([labels, overlay ?? ""].join("  ").trim());
    }
    return { json: paths };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
