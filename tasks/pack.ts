/**
 * Packs what a machine without network needs; see `deno task pack --help`.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { type CommandMain, defineCommand } from "../src/cli/command.ts";
import { formatTable } from "../src/cli/format_table.ts";
import { option } from "../src/cli/option.ts";
import type { Terminal } from "../src/cli/terminal.ts";
import { makePack, type Pack } from "../tools/pack/make_pack.ts";

const ROOT = fileURLToPath(import.meta.resolve("../"));

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

/** The sizes of a pack as a table. @returns Lines, without a line break at the end. */
function packTable(
  { archives, bytes }: Pack,
  terminal: Pick<Terminal, "isOutTty" | "color">,
): string {
  const sum = (key: "files" | "unpackedBytes") =>
    archives.reduce((total, archive) => total + archive[key], 0);
  return formatTable(
    [
      { title: "archive", align: "left" },
      { title: "files", align: "right" },
      { title: "MB", align: "right" },
      { title: "MB unpacked", align: "right" },
    ],
    [
      ...archives.map((archive) => [
        archive.file,
        String(archive.files),
        megabytes(archive.bytes),
        megabytes(archive.unpackedBytes),
      ]),
      ["all", String(sum("files")), megabytes(bytes), megabytes(sum("unpackedBytes"))],
    ],
    terminal,
    1,
  );
}

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage. */
export const main: CommandMain = defineCommand({
  name: "deno task pack",
  description:
    "Make a folder, below 60 MB, with which every task runs on a Linux x86-64 " +
    "machine that has a GPU's driver and nothing else, not even a network: Deno, the npm " +
    "packages, the Vulkan loader, this project, and run.sh, which unpacks and runs them.",
  examples: [
    "deno task pack",
    "deno task pack --out /media/stick/fst",
    "pack/run.sh train configs/demo.yaml     there",
  ],
  arguments: {},
  options: {
    out: option.string("DIR", "folder of the pack; pack unless given"),
    level: option.integer("N", "compression, 0 (fast) to 9 (small); 6 unless given"),
    withoutVulkan: option.flag("leave the Vulkan loader out"),
    withoutProject: option.flag(
      "leave this project out; run.sh then runs the tasks of the folder it is called in",
    ),
  },
  hasJson: true,
  async action({ options, terminal, print, log }) {
    const { out = "pack", level: compressionLevel = 6, withoutVulkan, withoutProject } =
      options;
    const pack = await makePack({
      root: ROOT,
      out,
      compressionLevel,
      includeVulkan: !withoutVulkan,
      includeProject: !withoutProject,
      log,
    });
    print(packTable(pack, terminal));
    print(`\npack       ${out}; carry it over, then ${out}/run.sh doctor`);
    return { json: pack };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
