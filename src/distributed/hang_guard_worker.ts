/** The thread that watches the exchanges of ranks; see {@linkcode openHangGuard}. @module */
import { parentPort } from "node:worker_threads";
import { EXCHANGES, type HangGuardStart, PLACE } from "./hang_guard.ts";

// Of the system; Deno.exit() would wait for the thread that waits.
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
  const { limit, interval, self, variable, status } = start;
  const { symbols } = Deno.dlopen(start.library, SYSTEM);
  const places = new Int32Array(start.memory);
  let [exchange, pulse, waited, then] = [0, 0, 0, performance.now()];
  setInterval(() => {
    const now = performance.now();
    const before = { exchange, pulse };
    exchange = Atomics.load(places, PLACE.exchange);
    pulse = Atomics.load(places, PLACE.pulse);
    // What has ended beside a main thread that computes is not known to have ended.
    const isWaiting = places[PLACE.blocking] === 1 || pulse !== before.pulse;
    // A machine that slept has not waited.
    const elapsed = Math.min((now - then) / 1000, 2 * interval);
    then = now;
    if (exchange === 0 || exchange !== before.exchange) waited = 0;
    else if (isWaiting) waited += elapsed;
    if (waited < limit) return;
    const name = EXCHANGES[places[PLACE.name] ?? 0];
    const sentence =
      `Cannot go on: ${self} has waited ${limit} s for the others in a ${name} of ` +
      `${
        places[PLACE.count]
      } values: another rank hangs or is much slower; if it is slow, ` +
      `raise the limit of seconds with ${variable}\n`;
    const bytes = new TextEncoder().encode(sentence);
    symbols.write(STDERR, bytes, BigInt(bytes.length));
    symbols._exit(status);
  }, 1000 * interval);
}
