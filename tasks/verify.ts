/**
 * Compares this implementation with recorded numbers; see `deno task verify --help`.
 *
 * @module
 */
import { openBackend } from "../mod.ts";
import { checkTable, formatCheckSummary } from "../src/cli/check_table.ts";
import { type CommandMain, defineCommand } from "../src/cli/command.ts";
import { CPU_OPTIONS, cpuOptionsFrom, formatBackend } from "../src/cli/cpu_options.ts";
import { argument, option } from "../src/cli/option.ts";
import { listGoldenFiles } from "../tools/verify/list_golden_files.ts";
import { type FileVerification, tryVerifyFile } from "../tools/verify/try_verify_file.ts";

/** @returns The exit status: 0 all within tolerance, 1 not so, 2 wrong usage. */
export const main: CommandMain = defineCommand({
  name: "deno task verify",
  description: "Run golden files against this implementation.",
  examples: [
    "deno task verify tests/golden/vec_ops.safetensors",
    "deno task verify tests/golden --backend webgpu --quiet",
  ],
  arguments: { file: argument.many(".safetensors or .json files, or folders of them") },
  options: {
    backend: option.choice(["auto", "webgpu", "wasm"], "auto", "where to compute"),
    ...CPU_OPTIONS,
    quiet: option.flag("a line per file, and the tensors that are beyond tolerance"),
  },
  hasJson: true,
  async action({ arguments: { file: paths }, options, terminal, print, log }) {
    const names = await listGoldenFiles(paths);
    const backend = await openBackend(options.backend, cpuOptionsFrom(options));
    log(formatBackend(backend));
    const { name, adapter } = backend;
    const files: FileVerification[] = [];
    for (const file of names) {
      const outcome = await tryVerifyFile(file);
      files.push(outcome);
      const { checks, error } = outcome;
      const shown = options.quiet ? checks.filter(({ passed }) => !passed) : checks;
      if (shown.length > 0) print(checkTable(shown, terminal));
      print(`${file}: ${error ?? formatCheckSummary(checks)}`);
    }
    const passed = files.every(({ passed }) => passed);
    return {
      exitCode: passed ? 0 : 1,
      json: { backend: name, adapter, passed, files },
    };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
