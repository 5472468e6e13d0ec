/** The thread that watches the exchanges of ranks; see {@linkcode openHangGuard}. @module */
import { parentPort } from "node:worker_threads";
import { createExchangeWatch } from "./exchange_watch.ts";
import { LAST_WORDS_MS } from "./launcher.ts";

/** What the watching thread is given. */
export interface HangGuardStart {
  readonly memory: SharedArrayBuffer;
  /** The library of MPI, by which the system's functions are found. */
  readonly library: string;
  /** Seconds that an exchange may take. */
  readonly limit: number;
  /** Seconds between looks. */
  readonly interval: number;
  /** This process, as "rank 1 of 4". */
  readonly self: string;
  /** The variable that sets the limit. */
  readonly variable: string;
  /** The exit status. */
  readonly status: number;
}

// Of the system: Deno.exit() would wait for the thread that waits.
const SYSTEM = {
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  _exit: { parameters: ["i32"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

const STDERR = 2;

parentPort?.once("message", (start: HangGuardStart) => {
  watch(start);
  parentPort?.postMessage("ready");
});

function watch(start: HangGuardStart): void {
  const { memory, limit, interval, self, variable, status } = start;
  const { symbols } = Deno.dlopen(start.library, SYSTEM);
  const look = createExchangeWatch(memory, limit, interval);
  const timer = setInterval(() => {
    const exchange = look(performance.now() / 1000);
    if (exchange === null) return;
    const bytes = new TextEncoder().encode(
      `Cannot go on: ${self} has waited ${limit} s for the others in ${exchange}: another ` +
        "rank hangs or is much slower; if it is slow, raise the limit of seconds with " +
        `${variable}\n`,
    );
    symbols.write(STDERR, bytes, BigInt(bytes.length));
    setTimeout(() => symbols._exit(status), LAST_WORDS_MS);
    clearInterval(timer);
  }, 1000 * interval);
}
