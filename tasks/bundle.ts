/**
 * Makes one file of the library for pages; see `deno task bundle --help`.
 *
 * @module
 */
import { type CommandMain, defineCommand } from "../src/cli/command.ts";
import { formatFileSizes } from "../src/cli/format_file_sizes.ts";
import { argument } from "../src/cli/option.ts";
import { assertWritableFile, writeOutputFile } from "../src/io/output_file.ts";
import { bundleLibrary } from "../tools/page/bundle.ts";
import { fileSize } from "../tools/page/make_page.ts";

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage. */
export const main: CommandMain = defineCommand({
  name: "deno task bundle",
  description: "Make one JavaScript module of browser.ts, for a page of your own: the " +
    "network of a checkpoint predicts there, on WebGPU or WebAssembly. The first time, " +
    "Deno fetches its bundler, esbuild, from npm.",
  examples: [
    "deno task bundle",
    "deno task bundle site/fst.js",
  ],
  arguments: {
    out: argument.optional("fst.js", "the file to write"),
  },
  options: {},
  hasJson: true,
  async action({ arguments: { out }, terminal, print }) {
    await assertWritableFile(out, ".js");
    const bytes = await bundleLibrary();
    await writeOutputFile(out, bytes);
    const size = await fileSize(out, bytes);
    print(formatFileSizes([size], terminal));
    return { json: size };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
