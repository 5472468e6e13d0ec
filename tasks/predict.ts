/**
 * Labels pictures with a checkpoint; see `deno task predict --help`.
 *
 * @module
 */
import { loadNetwork, readPicture } from "../mod.ts";
import { type Main, mainOf } from "../src/cli/command.ts";
import { IDS_OPTION, LOOK_OPTIONS, roleOf } from "../src/cli/look_options.ts";
import { argument, option } from "../src/cli/option.ts";
import { predictionPaths, predictionWriter } from "../src/cli/prediction_files.ts";
import { openCounter } from "../src/cli/progress_bar.ts";
import { assertWritableFolder } from "../src/cli/writable.ts";

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage. */
export const main: Main = mainOf({
  name: "deno task predict",
  description: "Label every pixel of pictures: <stem>_labels.png holds class ids in " +
    "their colours, <stem>_overlay.png lays the colours over the picture.",
  examples: [
    "deno task predict runs/demo/best.safetensors street.jpg --out labels",
    "deno task predict best.safetensors test/*/*.png --out results --ids labelIds",
  ],
  arguments: {
    ckpt: argument.one("a .safetensors file that a run has saved"),
    image: argument.many("JPEG or PNG files of any size"),
  },
  options: {
    out: option.text("DIR", "where results go; beside each image unless given"),
    ids: IDS_OPTION,
    ...LOOK_OPTIONS,
  },
  hasJson: true,
  async action({ arguments: { ckpt, image }, options, terminal, print, log }) {
    const { out = null, ids, set: overrides, backend, ...more } = options;
    const { teacher, student, ...look } = more;
    const paths = await predictionPaths(image, out, ids);
    if (out !== null) await assertWritableFolder(out);
    const role = roleOf({ teacher, student });
    using network = await loadNetwork(ckpt, { overrides, backend, ...role });
    log(`backend    ${network.backend.name} on ${network.backend.adapter}`);
    const write = predictionWriter(network.classes, ids);
    using progress = openCounter(terminal, "image");
    let done = 0;
    for (const files of paths) {
      const picture = await readPicture(files.image);
      const labels = await network.predict(picture, look);
      await write(files, { ...picture, labels });
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
