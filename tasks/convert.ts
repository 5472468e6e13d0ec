/**
 * Converts files of weights; see `deno task convert --help`.
 *
 * @module
 */
import { convertWeights, loadConfig } from "../mod.ts";
import { NAMING_SCHEMES, WRITABLE_NAMES } from "../weights.ts";
import { type CommandMain, defineCommand } from "../src/cli/command.ts";
import { formatConversion } from "../src/cli/format_conversion.ts";
import { argument, option } from "../src/cli/option.ts";

const schemes = NAMING_SCHEMES.map(({ name }) => name).join(", ");

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage. */
export const main: CommandMain = defineCommand({
  name: "deno task convert",
  description: "Convert weights between PyTorch and fst: .safetensors " +
    "and .pth, .pt or .bin, read without executing code in them. Names become those of " +
    `mmsegmentation; the naming scheme is detected, or given with --names: ${schemes}.`,
  examples: [
    "deno task convert mit_b5.pth mit_b5.safetensors",
    "deno task convert runs/demo/best.safetensors best.pth",
    "deno task convert latest.pth fst.safetensors " +
    "--config configs/gta5_to_cityscapes_mit_b5_fst_deep.yaml",
    "deno task convert runs/demo/best.safetensors dpt.pth --as unimatch-v2",
  ],
  arguments: {
    in: argument.one("a PyTorch or safetensors file"),
    out: argument.one("the file to write; its ending says how"),
  },
  options: {
    names: option.string(
      "SCHEME",
      "naming scheme of the weights; detected unless given",
    ),
    prefix: option.string(
      "TEXT",
      "prefix of the network to convert, such as ema_model. for a teacher",
    ),
    root: option.string(
      "PATH",
      "where the weights are in a PyTorch file, as teacher_state",
    ),
    to: option.choice(["safetensors", "pth"], undefined, "how to write"),
    as: option.choice(
      WRITABLE_NAMES,
      undefined,
      `write the names of another code base: ${WRITABLE_NAMES.join(", ")}`,
      "NAMES",
    ),
    config: option.string(
      "FILE",
      "the run that they are for: makes a checkpoint for eval",
    ),
    set: option.strings("K=V", "replace a value of the configuration"),
    force: option.flag("replace a file that is there"),
  },
  hasJson: true,
  async action({ arguments: { in: input, out }, options, print, log }) {
    const { config: file, set, names: namingScheme, root: stateDictKey, ...rest } =
      options;
    const config = file === undefined ? undefined : await loadConfig(file, set, log);
    const result = await convertWeights(input, out, {
      ...rest,
      namingScheme,
      stateDictKey,
      config,
    });
    print(formatConversion(input, result));
    return { json: result };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
