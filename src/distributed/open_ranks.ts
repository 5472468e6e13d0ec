/** Joins the processes that were started together. @module */
import { environmentVariable } from "../core/environment.ts";
import { useCommunicator } from "../core/ranks.ts";
import { type DeviceChoice, selectDevice } from "./device.ts";
import { openHangGuard } from "./hang_guard.ts";
import { findLaunch, LAST_WORDS_MS, type Launch } from "./launcher.ts";
import {
  createExchangeChain,
  createMpiCommunicator,
  type MpiCommunicator,
} from "./mpi.ts";
import { type MpiLibrary, openMpiLibrary } from "./mpi_library.ts";

/** All processes that were started together, as one of them sees them. */
export interface Ranks extends MpiCommunicator {
  /** The GPU of this process, if it computes on one. */
  readonly device: DeviceChoice;
  /** Name and version of MPI. */
  readonly library: string;
  /** The number of this process among those of its host. */
  readonly localRank: number;
  /** How many there are on its host. */
  readonly localSize: number;
  /** Leaves when all are done; the last exchange. */
  finalize(): Promise<void>;
  /** Ends all ranks at once, and their launcher with this status. */
  abort(status: number): never;
}

// MPI is called by one thread at a time, not always the same one.
const SERIALIZED = 2;

/** What has a rank that waits leave its core to others, by Open MPI's name. */
const YIELD_VARIABLE = "OMPI_MCA_mpi_yield_when_idle";

/**
 * Joins the processes that `mpirun`, `mpiexec` or `srun` has started together with this one.
 *
 * From then on, training and evaluation are divided among them, and a process that ends in
 * any way without {@linkcode Ranks.finalize} ends all others with its exit status. To be
 * called before WebGPU is asked for an adapter: it chooses the GPU of this process.
 *
 * @returns Null if none of them has started this process: it is alone, and needs no MPI.
 * @throws {Error} If there is no MPI, or not the one of what has started the process, or
 * this process has joined before.
 */
export async function openRanks(launch = findLaunch()): Promise<Ranks | null> {
  if (launch === null) return null;
  if (hasJoined) {
    throw new Error(
      "Cannot join ranks twice: MPI starts once in a process; keep what openRanks() gave",
    );
  }
  const library = openMpiLibrary(launch);
  const of = launch.size === null ? "" : ` of ${launch.size}`;
  const guard = await openHangGuard(library.path, `rank ${launch.rank}${of}`);
  const { symbols, constants: { world } } = library;
  const chain = createExchangeChain(guard);
  const granted = new Int32Array(1);
  if (!environmentVariable(YIELD_VARIABLE)) Deno.env.set(YIELD_VARIABLE, "1");
  hasJoined = true;
  chain.now("start", 0, () => symbols.MPI_Init_thread(0n, 0n, SERIALIZED, granted));
  let isOpen = true;
  const abort = (status: number): never => {
    isOpen = false;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_WORDS_MS);
    symbols.MPI_Abort(world, status);
    Deno.exit(status);
  };
  addEventListener("unload", () => {
    if (isOpen) abort(Deno.exitCode || 1);
  });
  if ((granted[0] ?? 0) < SERIALIZED) {
    throw new Error(
      `Cannot use ${library.version}: it was built without threads; install another MPI`,
    );
  }
  const communicator = createMpiCommunicator(library, world, chain);
  assertLaunched(launch, library, communicator.size);
  const hosts = communicator.gatherTexts(Deno.hostname());
  const { rank } = communicator;
  const isHere = (host: string) => host === hosts[rank];
  const localRank = hosts.slice(0, rank).filter(isHere).length;
  const ranks: Ranks = {
    ...communicator,
    library: library.version,
    localRank,
    localSize: hosts.filter(isHere).length,
    device: selectDevice(localRank),
    async finalize() {
      await chain.later(() => Promise.resolve()); // what is pending
      chain.now("end", 0, () => symbols.MPI_Finalize());
      isOpen = false;
      guard.close();
      useCommunicator(null);
      opened = null;
    },
    abort,
  };
  useCommunicator(ranks);
  return opened = ranks;
}

let opened: Ranks | null = null;
let hasJoined = false;

/** The processes that train together with this one; null: there are none. */
export function openedRanks(): Ranks | null {
  return opened;
}

/** @throws {Error} If another MPI than the library's has started the processes. */
function assertLaunched(
  { launcher, size }: Launch,
  { path, version }: MpiLibrary,
  found: number,
): void {
  if (size === null || size === found) return;
  const cure = launcher === "Slurm"
    ? 'start them with "srun --mpi=pmix" or "mpirun"'
    : "take the mpirun of that library, or name the library of that mpirun with FST_MPI";
  throw new Error(
    `Cannot join ${size} ranks: ${launcher} has started them, but ${version} ` +
      `(${path}) knows ${found}: ${cure}`,
  );
}
