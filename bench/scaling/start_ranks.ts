/** Processes that train, started by `mpirun` or alone. @module */
import { fileURLToPath } from "node:url";
import type { RanksAnswer, RankTask } from "./rank_process.ts";

const PROGRAM = fileURLToPath(new URL("./rank_process.ts", import.meta.url));
const LAUNCHER = "mpirun";

/**
 * What lets `mpirun` start ranks as root, more of them than there are cores, and each on any
 * of the cores. Open MPI has to be told, each release in its own words; other MPIs do not
 * read it.
 */
export const LAUNCH_ENVIRONMENT: Readonly<Record<string, string>> = Object.fromEntries([
  ["OMPI_ALLOW_RUN_AS_ROOT", "1"],
  ["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"],
  ["OMPI_MCA_rmaps_base_oversubscribe", "1"],
  ["OMPI_MCA_hwloc_base_binding_policy", "none"],
  ["PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe"],
  ["PRTE_MCA_hwloc_default_binding_policy", "none"],
  ["NO_COLOR", "1"],
]);

/**
 * Trains on a number of ranks; one is a process without MPI.
 *
 * @throws {Error} If there is no `mpirun`, or what the ranks say if they fail.
 */
export async function trainOnRanks(count: number, task: RankTask): Promise<RanksAnswer> {
  const program = ["run", "-A", "--no-check", PROGRAM];
  const [command, args] = count === 1
    ? [Deno.execPath(), program]
    : [LAUNCHER, ["-np", String(count), Deno.execPath(), ...program, "distributed"]];
  let process: Deno.ChildProcess;
  try {
    process = new Deno.Command(command, {
      args,
      env: LAUNCH_ENVIRONMENT,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      `Cannot measure ${count} ranks: there is no "${LAUNCHER}"; install an MPI (on Debian ` +
        '"apt-get install openmpi-bin libopenmpi3")',
    );
  }
  const output = process.output();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(task)))
    .then(() => writer.close()).catch(() => {}); // it ended; below it says why
  const { code, stdout, stderr } = await output;
  const text = new TextDecoder();
  if (code === 0) return JSON.parse(text.decode(stdout)) as RanksAnswer;
  const ranks = count === 1 ? "one process" : `${count} ranks`;
  throw new Error(`Cannot measure ${ranks}: ${text.decode(stderr).trim()}`);
}
