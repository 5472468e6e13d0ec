/**
 * Converts files of weights; see `deno task convert --help`.
 *
 * @module
 */
import { convertWeights, loadConfig, NAMING_SCHEMES } from "../mod.ts";
import { type Main, mainOf } from "../src/cli/command.ts";
import { conversionText } from "../src/cli/conversion_text.ts";
import { argument, option } from "../src/cli/option.ts";

const schemes = NAMING_SCHEMES.map(({ name }) => name).join(", ");

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage. */
export const main: Main = mainOf({
  name: "deno task convert",
  description: "Bring weights from PyTorch here, or from here to PyTorch: .safetensors " +
    "and .pth, .pt or .bin, read without running what is in them. Names become those of " +
    `mmsegmentation; whose they were is found out, or said with --names: ${schemes}.`,
  examples: [
    "deno task convert mit_b5.pth mit_b5.safetensors",
    "deno task convert runs/demo/best.safetensors best.pth",
    "deno task convert latest.pth fst.safetensors " +
    "--config configs/gta5_to_cityscapes_mit_b5_fst_deep.yaml",
  ],
  arguments: {
    in: argument.one("a PyTorch or safetensors file"),
    out: argument.one("the file to write; its ending says how"),
  },
  options: {
    names: option.text("SCHEME", "whose names the weights have; found out unless given"),
    prefix: option.text("TEXT", "the network to take, as ema_model. for a teacher"),
    root: option.text(
      "PATH",
      "where the weights are in a PyTorch file, as teacher_state",
    ),
    to: option.choice(["safetensors", "pth"], undefined, "how to write"),
    config: option.text("FILE", "the run that they are for: makes a checkpoint for eval"),
    set: option.texts("K=V", "replace a value of the configuration"),
    force: option.flag("replace a file that is there"),
  },
  hasJson: true,
  async action({ arguments: { in: input, out }, options, print }) {
    const { config: file, set, ...rest } = options;
    const config = file === undefined ? undefined : await loadConfig(file, set);
    const result = await convertWeights(input, out, { ...rest, config });
    print(conversionText(input, result));
    return { json: result };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
