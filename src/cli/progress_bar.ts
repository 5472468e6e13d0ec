/** How a long run shows where it is: a bar for people, lines for files. @module */
// @ts-types="npm:@types/cli-progress@3.11.6"
import { SingleBar } from "npm:cli-progress@3.12.0";
import type { LogLine } from "../../mod.ts";
import type { Terminal } from "./terminal.ts";
import { Writable } from "node:stream";

/** A run's progress on standard error. */
export interface Progress {
  /** Moves the bar, or writes a line if the last one is old enough. */
  update(step: LogLine): void;
  /** Writes a line above the bar. */
  log(line: string): void;
  /** Ends the bar's line. Updates after it do nothing. */
  stop(): void;
  /** Stops; for `using`. */
  [Symbol.dispose](): void;
}

/** Seconds between lines where there is no terminal; CI logs stay readable. */
const SECONDS_PER_LINE = 10;

/** A share of waiting below this is nothing that a user would change. */
const MIN_SHOWN_DATA_TIME = 0.05;

/** A duration as people say it: `42s`, `3m 05s`, `2h 07m`. */
export function formatDuration(seconds: number): string {
  const pad = (value: number) => String(value).padStart(2, "0");
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}m ${pad(whole % 60)}s`;
  return `${Math.floor(minutes / 60)}h ${pad(minutes % 60)}m`;
}

function formatIteration(step: LogLine, total: number): string {
  const { iteration, losses, learningRate, secondsPerIteration, dataTimeShare } = step;
  // A narrow terminal cuts the end off: how long it takes comes before the details.
  const left = (total - iteration) * secondsPerIteration;
  const parts = [
    iteration < total ? `${formatDuration(left)} left` : "done",
    `${secondsPerIteration.toFixed(2)} s/iteration`,
    ...(dataTimeShare > MIN_SHOWN_DATA_TIME
      ? [`${(100 * dataTimeShare).toFixed(0)} % of it waiting for data`]
      : []),
    ...Object.entries(losses).map(([name, loss]) => `${name} ${loss.toFixed(3)}`),
    `lr ${learningRate.toExponential(1)}`,
  ];
  return parts.join("  ");
}

/** A bar or lines: how many are done, and a text about it. */
export interface ProgressDisplay {
  update(done: number, text: string): void;
  log(line: string): void;
  stop(): void;
}

/** Lines, not too many: the first, the last and one every few seconds. */
function openLineDisplay(
  terminal: Terminal,
  noun: string,
  total: number,
  now: () => number,
): ProgressDisplay {
  const width = String(total).length;
  const log = (line: string) => terminal.writeErr(`${line}\n`);
  let due = -Infinity;
  let stopped = false;
  return {
    update(done, text) {
      if (stopped || (now() < due && done < total)) return;
      due = now() + SECONDS_PER_LINE * 1000;
      log(`${noun} ${String(done).padStart(width)}/${total}  ${text}`);
    },
    log,
    stop() {
      stopped = true;
    },
  };
}

/**
 * A bar of its own line; for terminals.
 *
 * @param formatCount How a number is written.
 */
export function openBar(
  terminal: Terminal,
  total: number,
  start: number,
  formatCount: (value: number) => string = String,
): ProgressDisplay {
  const barsize = Math.max(5, Math.min(30, terminal.columns - 90));
  const room = terminal.columns - barsize - 2 * formatCount(total).length - 6;
  const stream = Object.assign(
    new Writable({
      decodeStrings: false,
      write(text, _, done) {
        terminal.writeErr(String(text));
        done();
      },
    }),
    { isTTY: true, columns: terminal.columns },
  );
  const bar = new SingleBar({
    format: " {bar} {value}/{total}  {text}",
    barCompleteChar: "━",
    barIncompleteChar: "─",
    barsize,
    formatValue: (value, _, type) =>
      type === "value" || type === "total" ? formatCount(value) : String(value),
    stream,
    linewrap: true, // the text fits; a crash must not leave a terminal that cuts lines
    gracefulExit: false, // Ctrl-C is the command's
  });
  let shown = "starting";
  const open = (value: number) => bar.start(total, value, { text: shown });
  open(start);
  return {
    update(done, text) {
      if (!bar.isActive) return;
      shown = text.slice(0, Math.max(0, room));
      bar.update(done, { text: shown });
    },
    log(line) {
      if (!bar.isActive) return terminal.writeErr(`${line}\n`);
      const { value } = bar as unknown as { value: number }; // kept, but not in its types
      bar.stop();
      terminal.writeErr(`\x1b[1A\x1b[2K${line}\n`); // the line replaces the bar's last state
      open(value);
    },
    stop() {
      if (bar.isActive) bar.stop();
    },
  };
}

/**
 * Shows the progress of a run on standard error.
 *
 * @param total Iterations of the whole run.
 * @param start Iterations that an earlier run has done.
 * @param now Milliseconds since some moment; a test passes its own clock.
 */
export function openTrainingProgress(
  terminal: Terminal,
  total: number,
  start = 0,
  now: () => number = () => performance.now(),
): Progress {
  const display = terminal.isErrTty
    ? openBar(terminal, total, start)
    : openLineDisplay(terminal, "iteration", total, now);
  return {
    update: (step) => display.update(step.iteration, formatIteration(step, total)),
    log: display.log,
    stop: display.stop,
    [Symbol.dispose]: display.stop,
  };
}

/** Progress through things that are counted, such as images. */
export interface Counter {
  /** The first call says how many there are. */
  update(done: number, of: number): void;
  /** Ends the bar's line. Updates after it do nothing. */
  stop(): void;
  /** Stops; for `using`. */
  [Symbol.dispose](): void;
}

/**
 * Shows on standard error how many things are done; nothing before the first is.
 *
 * @param noun One of them, as in `image`.
 * @param now Milliseconds since some moment; a test passes its own clock.
 */
export function openCounter(
  terminal: Terminal,
  noun: string,
  now: () => number = () => performance.now(),
): Counter {
  const startTime = now();
  let display: ProgressDisplay | null = null;
  const stop = () => display?.stop();
  return {
    update(done, of) {
      display ??= terminal.isErrTty
        ? openBar(terminal, of, 0)
        : openLineDisplay(terminal, noun, of, now);
      const seconds = (now() - startTime) / 1000 / done;
      const left = done < of ? `${formatDuration((of - done) * seconds)} left` : "done";
      display.update(done, `${seconds.toFixed(2)} s/${noun}  ${left}`);
    },
    stop,
    [Symbol.dispose]: stop,
  };
}

/** Shows how far a check is. */
export interface SplitProgress {
  /** A new split ends the bar of the one before. */
  update(split: string, done: number, of: number): void;
  /** Ends the bar's line. */
  stop(): void;
  /** Stops; for `using`. */
  [Symbol.dispose](): void;
}

/** @param noun One of what is counted, as in `picture`. */
export function openSplitProgress(terminal: Terminal, noun: string): SplitProgress {
  let current: { readonly split: string; readonly counter: Counter } | null = null;
  const stop = () => current?.counter.stop();
  return {
    update(split, done, of) {
      if (!terminal.isErrTty) return;
      if (current?.split !== split) {
        stop();
        terminal.writeErr(`${split}\n`);
        current = { split, counter: openCounter(terminal, noun) };
      }
      current.counter.update(done, of);
    },
    stop,
    [Symbol.dispose]: stop,
  };
}
