/** A download as its user sees it: a bar with bytes and rate, and what went wrong. @module */

import { byteText } from "./byte_text.ts";
import { type Display, duration, openBar } from "./progress_bar.ts";
import type { Terminal } from "./terminal.ts";

/** What happens; fits the library's `DownloadEvent`. */
type Event =
  | { kind: "bytes"; file: string; received: number; total: number | null }
  | { kind: "checking"; file: string }
  | { kind: "pause"; file: string; from: string; reason: string; seconds: number }
  | { kind: "failed"; file: string; from: string; reason: string }
  | { kind: "rejected"; file: string; path: string; reason: string };

/** Shows downloads on standard error. */
export interface DownloadReporter {
  /** Fits the library's `onProgress`. */
  readonly show: (event: Event) => void;
  /** Ends the bar's line. */
  stop(): void;
  /** Stops; for `using`. */
  [Symbol.dispose](): void;
}

/** Seconds between lines where there is no terminal. */
const SECONDS_PER_LINE = 10;

/** Lines for a log, not too many: the first, the last and one every few seconds. */
function openLines(terminal: Terminal, total: number | null, now: () => number): Display {
  let due = -Infinity;
  const log = (line: string) => terminal.error(`${line}\n`);
  return {
    update(done, text) {
      if (now() < due && done !== total) return;
      due = now() + SECONDS_PER_LINE * 1000;
      log(text);
    },
    log,
    stop() {},
  };
}

/**
 * Opens a reporter; nothing is shown before something happens.
 *
 * @param now Milliseconds since some moment; a test passes its own clock.
 */
export function openDownloadReporter(
  terminal: Terminal,
  now: () => number = () => performance.now(),
): DownloadReporter {
  let current: { file: string; display: Display; from: number; at: number } | null = null;
  const stop = () => {
    current?.display.stop();
    current = null;
  };
  const log = (line: string) =>
    current === null ? terminal.error(`${line}\n`) : current.display.log(line);

  function bytes(file: string, received: number, total: number | null) {
    if (current?.file !== file) {
      stop();
      const display = terminal.errorIsTerminal && total !== null
        ? openBar(terminal, total, received, byteText)
        : openLines(terminal, total, now);
      current = { file, display, from: received, at: now() };
    }
    if (received < current.from) { // it started over
      current.from = received;
      current.at = now();
    }
    const seconds = (now() - current.at) / 1000;
    const rate = seconds > 0 ? (received - current.from) / seconds : 0;
    const left = rate > 0 && total !== null && received < total
      ? `${duration((total - received) / rate)} left  `
      : "";
    const speed = rate > 0 ? `${byteText(rate)}/s  ` : "";
    const text = terminal.errorIsTerminal && total !== null
      ? `${left}${speed}${file}`
      : `${file}  ${byteText(received)}${
        total === null ? "" : ` of ${byteText(total)}`
      }  ${left}${speed}`.trimEnd();
    current.display.update(received, text);
  }

  return {
    show(event) {
      switch (event.kind) {
        case "bytes":
          return bytes(event.file, event.received, event.total);
        case "checking":
          return stop();
        case "pause":
          return log(
            `${event.from}: ${event.reason}; going on in ${duration(event.seconds)}`,
          );
        case "failed":
          stop();
          return log(`${event.from} ${event.reason}`);
        case "rejected":
          return log(`${event.file}: ${event.reason}; it is now ${event.path}`);
      }
    },
    stop,
    [Symbol.dispose]: stop,
  };
}
