/**
 * Shows runs as they go on, or as they went; see `deno task ui --help`.
 *
 * @module
 */
import { type CommandMain, defineCommand, EXIT_CODE } from "../src/cli/command.ts";
import { argument, option } from "../src/cli/option.ts";
import { findRuns } from "../src/ui/run_watch.ts";
import { serveDashboard } from "../src/ui/server.ts";

/** @returns The exit status: 1 failed, 2 wrong usage, 130 ended by Ctrl-C. */
export const main: CommandMain = defineCommand({
  name: "deno task ui",
  description:
    "Show runs in a browser, on a page of this machine: curves, scores, panels and " +
    "configurations, also while they go on. Ctrl-C ends it.",
  examples: [
    "deno task ui runs/demo",
    "deno task ui runs/first runs/second",
    "deno task ui runs",
  ],
  arguments: {
    run: argument.many("folders of runs, or folders that hold some"),
  },
  options: {
    port: option.integer("N", "port; the first from 8787 on that is free, unless given"),
  },
  handlesInterrupt: true,
  async action({ arguments: { run }, options: { port }, print, signal }) {
    const { paths, parents } = await findRuns(run);
    const dashboard = serveDashboard({ runs: paths, parents, port });
    print(`page       ${dashboard.url}`);
    await new Promise<void>((end) => signal.addEventListener("abort", () => end()));
    await dashboard.close();
    return { exitCode: EXIT_CODE.interrupted };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
