/**
 * Packs what a machine without network needs; see `deno task pack --help`.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { type Main, mainOf } from "../src/cli/command.ts";
import { option } from "../src/cli/option.ts";
import { makePack } from "../src/cli/pack/make_pack.ts";
import { packTable } from "../src/cli/pack/pack_table.ts";

const ROOT = fileURLToPath(import.meta.resolve("../"));

/** @returns The exit status: 0 done, 1 failed, 2 wrong usage. */
export const main: Main = mainOf({
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
    out: option.text("DIR", "folder of the pack; pack unless given"),
    level: option.count("N", "compression, 0 (fast) to 9 (small); 6 unless given"),
    withoutVulkan: option.flag("leave the Vulkan loader out"),
    withoutProject: option.flag(
      "leave this project out; run.sh then runs the tasks of the folder it is called in",
    ),
  },
  hasJson: true,
  async action({ options, terminal, print, log }) {
    const { out = "pack", level = 6, withoutVulkan, withoutProject } = options;
    const pack = await makePack({
      root: ROOT,
      out,
      level,
      hasVulkan: !withoutVulkan,
      hasProject: !withoutProject,
      log,
    });
    print(packTable(pack, terminal));
    print(`\npack       ${out}; carry it over, then ${out}/run.sh doctor`);
    return { json: pack };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
