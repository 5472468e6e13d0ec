/**
 * Writes a page that segments pictures; see `deno task demo-page --help`.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { type CommandMain, defineCommand } from "../src/cli/command.ts";
import { formatFileSizes } from "../src/cli/format_file_sizes.ts";
import { argument, option } from "../src/cli/option.ts";
import { makeDemoPage } from "../tools/page/make_page.ts";

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage. */
export const main: CommandMain = defineCommand({
  name: "deno task demo-page",
  description: "Write a folder that any static server turns into a page: it labels " +
    "pictures that are dropped or chosen, or what a camera sees, in the browser alone, on " +
    "WebGPU where there is one, else on WebAssembly. It holds the page, the library and " +
    "the network's weights, without folders of this machine.",
  examples: [
    "deno task demo-page runs/demo/best.safetensors",
    "deno task demo-page best.safetensors --out site",
    "python3 -m http.server --directory site     to look at it",
  ],
  arguments: {
    ckpt: argument.one("a .safetensors file that a run has saved"),
  },
  options: {
    out: option.string("DIR", "the folder; page beside the checkpoint unless given"),
  },
  hasJson: true,
  async action({ arguments: { ckpt }, options, terminal, print, log }) {
    const { out = join(dirname(ckpt), "page") } = options;
    const page = await makeDemoPage(ckpt, out, log);
    print(formatFileSizes(page.files, terminal));
    print(`\npage       ${out}; serve it: python3 -m http.server --directory ${out}`);
    return { json: page };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
