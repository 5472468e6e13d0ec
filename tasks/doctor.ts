/**
 * Says what this machine can do and what is missing; see `deno task doctor --help`.
 *
 * @module
 */
import { diagnose } from "../mod.ts";
import { type CommandMain, defineCommand } from "../src/cli/command.ts";
import { CPU_OPTIONS, cpuOptionsFrom } from "../src/cli/cpu_options.ts";
import { openGpuTestProgress } from "../src/cli/gpu_test_progress.ts";
import { formatDiagnosis } from "../src/cli/format_diagnosis.ts";

/** @returns The exit status: 0 fine, 1 a self-test failed, 2 wrong usage. */
export const main: CommandMain = defineCommand({
  name: "deno task doctor",
  description: "Say which backend a run would use and why, test it, and name what to " +
    "install.",
  examples: ["deno task doctor", "deno task doctor --json"],
  arguments: {},
  options: CPU_OPTIONS,
  hasJson: true,
  async action({ options, print, terminal }) {
    const test = openGpuTestProgress(terminal);
    const diagnosis = await diagnose(cpuOptionsFrom(options), test.update)
      .finally(test.stop);
    print(formatDiagnosis(diagnosis, terminal));
    return { exitCode: diagnosis.passed ? 0 : 1, json: diagnosis };
  },
});

if (import.meta.main) Deno.exit(await main(Deno.args));
