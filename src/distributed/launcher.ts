/** Who has started this process as one of many: `mpirun`, `mpiexec` or `srun`. @module */
import { environmentVariable } from "../core/environment.ts";

/** What a launcher says to a process that it has started. */
export interface Launch {
  /** As users know it. */
  readonly launcher: "Open MPI" | "MPICH" | "Slurm" | "PMIx";
  /** The number of this process. */
  readonly rank: number;
  /** How many there are; null where the launcher does not say so. */
  readonly size: number | null;
}

/**
 * What a launcher has to read the last words of a process before that ends all: it drops
 * what is then unread. Milliseconds.
 */
export const LAST_WORDS_MS = 300;

// The first that is set: within a job of Slurm, mpirun sets its own. The batch script of
// such a job has SLURM_PROCID, too, but is no step.
const LAUNCHERS = [
  ["Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"],
  ["MPICH", "PMI_RANK", "PMI_SIZE"],
  ["Slurm", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"],
  ["PMIx", "PMIX_RANK", null],
] as const;

/**
 * What has started this process together with others; null: nothing, it is alone.
 *
 * @param variable Reads a variable of the environment.
 */
export function findLaunch(
  variable: (name: string) => string | undefined = environmentVariable,
): Launch | null {
  for (const [launcher, rankName, sizeName] of LAUNCHERS) {
    const [rank, size] = [rankName, sizeName].map((name) =>
      name === null ? null : countOf(variable(name))
    );
    if (rank === undefined || size === undefined || rank === null) continue;
    return { launcher, rank, size };
  }
  return null;
}

function countOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
