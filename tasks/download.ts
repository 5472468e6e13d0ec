/**
 * Fetches published weights; see `deno task download --help`.
 *
 * @module
 */
import { download, WEIGHTS, weightsNamed } from "../mod.ts";
import { type Main, mainOf } from "../src/cli/command.ts";
import { downloadAll } from "../src/cli/download_all.ts";
import { argument, option } from "../src/cli/option.ts";
import { weightsTable } from "../src/cli/weights_text.ts";

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
export const main: Main = mainOf({
  name: "deno task download",
  description: "Fetch published weights, checked; run it again to go on where it " +
    "stopped. Without a name: list what there is.",
  examples: [
    "deno task download --list",
    "deno task download mit-b5 resnet-101-v1c --to weights",
    "deno task download swin-b --from https://mirror.example.org/weights",
  ],
  arguments: { name: argument.any("names of the list, or addresses of files") },
  options: {
    list: option.flag("list name, size, licence and places of all weights"),
    to: option.text("DIR", "folder of the files; weights unless given"),
    from: option.text("URL|DIR", "a mirror: an address or a folder of the files"),
  },
  hasJson: true,
  finishesOnInterrupt: true,
  async action({ arguments: { name: names }, options, ...context }) {
    const { terminal, print, signal } = context;
    const { list, to, from } = options;
    if (list || names.length === 0) {
      print(weightsTable(WEIGHTS, terminal));
      return { json: WEIGHTS };
    }
    const wanted = new Map(names.map((name) => [
      name,
      /^https?:/i.test(name) ? { url: name } : weightsNamed(name),
    ]));
    const result = await downloadAll(
      wanted,
      (one, onProgress) => download(one, { to, from, signal, onProgress }),
      context,
    );
    return { status: result.missing.length > 0 ? 1 : 0, json: result };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
