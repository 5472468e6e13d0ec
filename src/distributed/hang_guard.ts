/**
 * Ends this process when an exchange takes too long: MPI itself waits for ever for a rank
 * that hangs.
 *
 * A thread watches, since one that waits in MPI can do nothing else.
 *
 * @module
 */
import { Worker } from "node:worker_threads";
import { environmentVariable } from "../core/environment.ts";

/** The exit status of a process that has waited too long. */
export const HANG_STATUS = 70;

/** The variable that sets the limit. */
const VARIABLE = "FST_MPI_TIMEOUT";

/** Seconds that an exchange may take unless the variable says otherwise. */
const DEFAULT_LIMIT = 600;

/** Watches one exchange at a time. */
export interface HangGuard {
  /**
   * An exchange begins.
   *
   * @param name As it is reported, for example "sum".
   * @param count How many values this rank gives.
   * @param way Whether this thread waits in it or goes on.
   */
  begin(name: string, count: number, way: "blocking" | "beside"): void;
  /** It has ended. */
  end(): void;
  /** Ends the thread. */
  close(): void;
}

/** Places in the memory that both threads share. */
export const PLACE = {
  /** The number of the present exchange; 0: none. */
  exchange: 0,
  /** An index into {@linkcode EXCHANGES}. */
  name: 1,
  count: 2,
  /** 1: the main thread waits in it. */
  blocking: 3,
  /** Counts up as long as the main thread comes to its timers. */
  pulse: 4,
} as const;

/** What can be waited for, as it is reported. */
export const EXCHANGES = ["start", "sum", "gather", "broadcast", "split", "end"];

/** What the watching thread is given. */
export interface HangGuardStart {
  readonly memory: SharedArrayBuffer;
  /** The library of MPI, by which the system's functions are found. */
  readonly library: string;
  /** Seconds. */
  readonly limit: number;
  /** Seconds between looks. */
  readonly interval: number;
  /** This process, as "rank 1 of 4". */
  readonly self: string;
  readonly variable: string;
  readonly status: number;
}

/**
 * Seconds that an exchange may take, by FST_MPI_TIMEOUT.
 *
 * @throws {RangeError} If that is no positive number.
 */
export function hangLimit(text = environmentVariable(VARIABLE)): number {
  const limit = text === undefined ? DEFAULT_LIMIT : Number(text);
  if (limit > 0 && Number.isFinite(limit)) return limit;
  throw new RangeError(
    `Cannot watch ranks: ${VARIABLE} is "${text}": give the seconds that an exchange may ` +
      "take, for example 600",
  );
}

/**
 * Starts the watching thread, which does not keep the process from ending.
 *
 * @param library The library of MPI.
 * @param self This process, as "rank 1 of 4".
 * @param limit Seconds that an exchange may take.
 */
export async function openHangGuard(
  library: string,
  self: string,
  limit = hangLimit(),
): Promise<HangGuard> {
  const memory = new SharedArrayBuffer(4 * Object.keys(PLACE).length);
  const places = new Int32Array(memory);
  const interval = Math.min(1, limit / 8);
  const start: HangGuardStart = {
    ...{ memory, library, limit, interval, self },
    ...{ variable: VARIABLE, status: HANG_STATUS },
  };
  const worker = new Worker(new URL("./hang_guard_worker.ts", import.meta.url));
  await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.postMessage(start);
  });
  worker.unref();
  const pulse = setInterval(() => Atomics.add(places, PLACE.pulse, 1), 1000 * interval);
  Deno.unrefTimer(pulse);
  let exchanges = 0;
  return {
    begin(name, count, way) {
      places[PLACE.name] = EXCHANGES.indexOf(name);
      places[PLACE.count] = count;
      places[PLACE.blocking] = way === "blocking" ? 1 : 0;
      exchanges = exchanges % 0x7fff_ffff + 1;
      Atomics.store(places, PLACE.exchange, exchanges);
    },
    end: () => void Atomics.store(places, PLACE.exchange, 0),
    close() {
      clearInterval(pulse);
      worker.terminate();
    },
  };
}
