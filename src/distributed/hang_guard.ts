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
import {
  createExchangeMarks,
  createWatchMemory,
  type ExchangeMarks,
} from "./exchange_watch.ts";
import type { HangGuardStart } from "./hang_guard_worker.ts";

/** The exit status of a process that has waited too long. */
export const HANG_STATUS = 70;

/** The variable that sets the limit. */
const VARIABLE = "FST_MPI_TIMEOUT";

/** Seconds that an exchange may take unless the variable says otherwise. */
const DEFAULT_LIMIT = 600;

/** Watches the exchanges that are marked. */
export interface HangGuard extends Pick<ExchangeMarks, "begin" | "end"> {
  close(): void;
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
      `take, for example ${DEFAULT_LIMIT}`,
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
  const memory = createWatchMemory();
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
  const { begin, end, pulse } = createExchangeMarks(memory);
  const timer = setInterval(pulse, 1000 * interval);
  Deno.unrefTimer(timer);
  return {
    begin,
    end,
    close() {
      clearInterval(timer);
      worker.terminate();
    },
  };
}
