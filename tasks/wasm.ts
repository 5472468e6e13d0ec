/**
 * Compiles the WebAssembly kernels; see `deno task wasm --help`.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CommandMain, defineCommand } from "../src/cli/command.ts";
import { option } from "../src/cli/option.ts";
import { BINARIES, compileKernels } from "../tools/wasm/compile.ts";

const ROOT = fileURLToPath(import.meta.resolve("../"));

/** @returns The exit status: 0 done or up to date, 1 failed or outdated, 2 wrong usage. */
export const main: CommandMain = defineCommand({
  name: "deno task wasm",
  description: `Compile the kernels of src/wasm/assembly/ into ${BINARIES}.`,
  examples: ["deno task wasm", "deno task wasm --check"],
  arguments: {},
  options: {
    check: option.flag("write nothing; exit with 1 if the compiled kernels are outdated"),
  },
  hasJson: true,
  async action({ options: { check }, print, log }) {
    const compiled = await compileKernels(ROOT);
    const path = join(ROOT, BINARIES);
    const isCurrent = await Deno.readTextFile(path).catch(() => "") === compiled;
    if (isCurrent) print("The kernels are up to date");
    else if (check) log(`${BINARIES} is out of date: run deno task wasm`);
    else {
      await Deno.writeTextFile(path, compiled);
      print(`written    ${BINARIES}`);
    }
    return { exitCode: check && !isCurrent ? 1 : 0, json: { isCurrent } };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
