/**
 * Exports networks for other programs; see `deno task export --help`.
 *
 * @module
 */
import { exportNetwork } from "../mod.ts";
import { type CommandMain, defineCommand } from "../src/cli/command.ts";
import { formatExport } from "../src/cli/format_export.ts";
import { parseImageSize } from "../src/cli/image_size.ts";
import { INFERENCE_OPTIONS, selectNetworkRole } from "../src/cli/inference_options.ts";
import { argument, option } from "../src/cli/option.ts";

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage. */
export const main: CommandMain = defineCommand({
  name: "deno task export",
  description:
    "Export a network for other programs: as an ONNX file, from RGB images in " +
    "0 to 255 [batch, 3, height, width] to logits [batch, classes, height, width], or as a " +
    "folder for Hugging Face's transformers and transformers.js.",
  examples: [
    "deno task export runs/demo/best.safetensors demo.onnx",
    "deno task export best.safetensors labels.onnx --argmax --size 512x1024 --half",
    "deno task export segformer.safetensors folder --format hf",
  ],
  arguments: {
    ckpt: argument.one("a .safetensors file that a run has saved"),
    out: argument.one("the .onnx file to write, or with --format hf the folder"),
  },
  options: {
    format: option.choice(
      ["onnx", "hf"],
      undefined,
      "what to write; hf takes a mit encoder with a segformer decoder",
    ),
    raw: option.flag("take images that are normalized already"),
    argmax: option.flag("return the class of each pixel, int32, instead of logits"),
    half: option.flag("store weights as float16; computed is in float32"),
    size: option.string("HxW", "take images of this size alone, as 512x1024"),
    teacher: INFERENCE_OPTIONS.teacher,
    student: INFERENCE_OPTIONS.student,
    set: INFERENCE_OPTIONS.set,
    force: option.flag("replace files that are there"),
  },
  hasJson: true,
  async action({ arguments: { ckpt, out }, options, print, log }) {
    const { teacher, student, set: overrides, size, ...rest } = options;
    const role = selectNetworkRole({ teacher, student });
    const result = await exportNetwork(ckpt, out, {
      ...rest,
      ...role,
      overrides,
      log,
      size: size === undefined ? null : parseImageSize(size),
    });
    print(formatExport(ckpt, result));
    return { json: result };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
