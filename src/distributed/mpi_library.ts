/**
 * Opens an MPI that is installed on this machine; none is shipped.
 *
 * @module
 */
import { environmentVariable } from "../core/environment.ts";
import type { Launch } from "./launcher.ts";

// A handle is the address of an object in Open MPI and a number of 32 bits in MPICH, which
// reads the lower half of what it is passed. Null is 0n.
const HANDLE = "usize";
const VIEW = "buffer";
const INT = "i32";

// Functions that answer with an error code, 0 being success.
const status = <const P extends readonly Deno.NativeType[]>(parameters: P) =>
  ({ parameters, result: INT }) as const;

// The same on a thread of its own.
const inThread = <const P extends readonly Deno.NativeType[]>(
  name: string,
  parameters: P,
) => ({ name, parameters, result: INT, nonblocking: true }) as const;

// Objects that Open MPI's handles are the addresses of.
const object = (name: string) =>
  ({ name, type: "pointer", optional: true }) as const satisfies Deno.ForeignStatic;

// What to send, what to receive, count, type, operation, communicator.
const ALLREDUCE = [HANDLE, VIEW, INT, HANDLE, HANDLE, HANDLE] as const;
// What to send, count, type, what to receive, count, type, communicator.
const ALLGATHER = [HANDLE, INT, HANDLE, VIEW, INT, HANDLE, HANDLE] as const;
// What to send or receive, count, type, the sender's rank, communicator.
const BCAST = [VIEW, INT, HANDLE, INT, HANDLE] as const;

const SYMBOLS = {
  MPI_Get_library_version: status([VIEW, VIEW]),
  MPI_Init_thread: status([HANDLE, HANDLE, INT, VIEW]),
  MPI_Comm_rank: status([HANDLE, VIEW]),
  MPI_Comm_size: status([HANDLE, VIEW]),
  MPI_Comm_split: status([HANDLE, INT, INT, VIEW]),
  MPI_Allreduce: status(ALLREDUCE),
  MPI_Allgather: status(ALLGATHER),
  allreduceInThread: inThread("MPI_Allreduce", ALLREDUCE),
  allgatherInThread: inThread("MPI_Allgather", ALLGATHER),
  bcastInThread: inThread("MPI_Bcast", BCAST),
  MPI_Finalize: status([]),
  MPI_Abort: status([HANDLE, INT]),
  world: object("ompi_mpi_comm_world"),
  float: object("ompi_mpi_float"),
  byte: object("ompi_mpi_byte"),
  sum: object("ompi_mpi_op_sum"),
} as const satisfies Deno.ForeignLibraryInterface;

/** Handles and addresses that the standard names. */
export interface MpiConstants {
  /** All processes. */
  readonly world: bigint;
  readonly float: bigint;
  readonly byte: bigint;
  readonly sum: bigint;
  /** In place of what to send: it is where the result will be. */
  readonly inPlace: bigint;
}

/** The binary interface of MPICH, which Intel MPI, MVAPICH and Cray MPICH share. */
const MPICH_CONSTANTS: MpiConstants = {
  world: 0x44000000n,
  float: 0x4c00040an,
  byte: 0x4c00010dn,
  sum: 0x58000003n,
  inPlace: 0xffff_ffff_ffff_ffffn,
};

/** An MPI that is open, and not initialized. */
export interface MpiLibrary {
  /** What was opened: a path, or a name that the system has found. */
  readonly path: string;
  /** Name and version, as "Open MPI v4.1.4". */
  readonly version: string;
  readonly symbols: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
  readonly constants: MpiConstants;
}

/** A path or name of another library. */
const VARIABLE = "FST_MPI";

const OPEN_MPI = "libmpi.so.40";
const MPICH = "libmpich.so.12";

/**
 * Opens the library that FST_MPI names, or the one that belongs to what has started this
 * process.
 *
 * @throws {Error} If there is none, or it is no MPI.
 */
export function openMpiLibrary({ launcher }: Pick<Launch, "launcher">): MpiLibrary {
  const wanted = environmentVariable(VARIABLE);
  const names = launcher === "MPICH" ? [MPICH, OPEN_MPI] : [OPEN_MPI, MPICH];
  for (const path of wanted === undefined ? names : [wanted]) {
    try {
      return openLibrary(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) {
        throw new Error(
          'Cannot use MPI: Deno was not allowed to call it; allow it with "--allow-ffi"',
          { cause: error },
        );
      }
      const problem = openingProblem(path, error);
      if (problem === MISSING && wanted === undefined) continue;
      throw new Error(
        `Cannot use "${path}" as MPI: ${problem}; name another library with ${VARIABLE}`,
        { cause: error },
      );
    }
  }
  throw new Error(
    `Cannot use MPI: neither ${
      names.join(" nor ")
    } was found; install Open MPI (on Debian ` +
      `12 "apt-get install openmpi-bin libopenmpi3"), or name the library of another MPI ` +
      `with ${VARIABLE}`,
  );
}

const MISSING = "there is no such library";

function openingProblem(path: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const text = message.replace(/^(Could not open library: )+/, "");
  if (text.startsWith("Failed to register symbol")) {
    return "it is another library, without functions of MPI";
  }
  // It may be there and need another one that is not.
  return text.startsWith(`${path}: cannot open shared object file: No such file`)
    ? MISSING
    : `it cannot be opened (${text})`;
}

function openLibrary(path: string): MpiLibrary {
  const { symbols } = Deno.dlopen(path, SYMBOLS);
  const text = new Uint8Array(8192); // MPI_MAX_LIBRARY_VERSION_STRING and more
  const length = new Int32Array(1);
  symbols.MPI_Get_library_version(text, length);
  const version = new TextDecoder().decode(text.subarray(0, length[0]));
  const [world, float, byte, sum] = [
    ...[symbols.world, symbols.float, symbols.byte, symbols.sum],
  ].map(Deno.UnsafePointer.value);
  const constants = world && float && byte && sum
    ? { world, float, byte, sum, inPlace: 1n }
    : MPICH_CONSTANTS;
  return { path, version: shortVersion(version), symbols, constants };
}

/** "Open MPI v4.1.4, package: …" and "MPICH Version:      4.0.2\nMPICH Release…", shorter. */
export function shortVersion(text: string): string {
  const [first = ""] = text.split(/[,\n\0]/);
  return first.replace(/ Version:\s*/, " ").trim();
}
