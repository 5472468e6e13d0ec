/**
 * Fetches published weights; see `deno task download --help`.
 *
 * @module
 */
import { download, findRegistryEntry, WEIGHTS } from "../weights.ts";
import { type CommandMain, defineCommand } from "../src/cli/command.ts";
import { downloadAll, weightsTable } from "../src/cli/download_report.ts";
import { argument, option } from "../src/cli/option.ts";

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
export const main: CommandMain = defineCommand({
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
    list: option.flag("list name, size, license and places of all weights"),
    to: option.string("DIR", "folder of the files; weights unless given"),
    from: option.string("URL|DIR", "a mirror: an address or a folder of the files"),
  },
  hasJson: true,
  handlesInterrupt: true,
  async action({ arguments: { name: names }, options, ...context }) {
    const { terminal, print, signal } = context;
    const { list, to: folder, from: mirror } = options;
    if (list || names.length === 0) {
      print(weightsTable(WEIGHTS, terminal));
      return { json: WEIGHTS };
    }
    const requested = new Map(names.map((name) => [
      name,
      /^https?:/i.test(name) ? { url: name } : findRegistryEntry(name),
    ]));
    const result = await downloadAll(
      requested,
      (request, onProgress) => download(request, { folder, mirror, signal, onProgress }),
      context,
    );
    return { exitCode: result.missing.length > 0 ? 1 : 0, json: result };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
