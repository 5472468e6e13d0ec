/** A bar for each part of a long check, one after the other; only on a terminal. @module */

import { type Counter, openCounter } from "./progress_bar.ts";
import type { Terminal } from "./terminal.ts";

/** Shows how far a check is. */
export interface PartCounter {
  /** A new part ends the bar of the one before. */
  update(part: string, done: number, of: number): void;
  /** Ends the bar's line. */
  stop(): void;
  /** Stops; for `using`. */
  [Symbol.dispose](): void;
}

/** @param noun One of what is counted, as in `picture`. */
export function openPartCounter(terminal: Terminal, noun: string): PartCounter {
  let current: { readonly part: string; readonly counter: Counter } | null = null;
  const stop = () => current?.counter.stop();
  return {
    update(part, done, of) {
      if (!terminal.errorIsTerminal) return;
      if (current?.part !== part) {
        stop();
        terminal.error(`${part}\n`);
        current = { part, counter: openCounter(terminal, noun) };
      }
      current.counter.update(done, of);
    },
    stop,
    [Symbol.dispose]: stop,
  };
}
