/** How a long run shows where it is: a bar for people, lines for files. @module */

import { Writable } from "node:stream";
import { SingleBar } from "../core/progress.ts";
import type { Terminal } from "./terminal.ts";

/** Where a run is. */
export interface ProgressStep {
  /** Iterations done. */
  readonly iteration: number;
  /** By name, in the order of display. */
  readonly losses: Readonly<Record<string, number>>;
  /** Learning rate of the encoder. */
  readonly rate: number;
  readonly secondsPerIteration: number;
  /** Share of the time in which it waited for data, 0 … 1. */
  readonly waiting: number;
}

/** A run's progress on standard error. */
export interface Progress {
  /** Moves the bar, or writes a line if the last one is old enough. */
  update(step: ProgressStep): void;
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
const NOTABLE_WAITING = 0.05;

/** A duration as people say it: `42s`, `3m 05s`, `2h 07m`. */
export function duration(seconds: number): string {
  const pad = (value: number) => String(value).padStart(2, "0");
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}m ${pad(whole % 60)}s`;
  return `${Math.floor(minutes / 60)}h ${pad(minutes % 60)}m`;
}

function describe(step: ProgressStep, total: number): string {
  const { iteration, losses, rate, secondsPerIteration, waiting } = step;
  // A narrow terminal cuts the end off: how long it takes comes before the details.
  const left = (total - iteration) * secondsPerIteration;
  const parts = [
    iteration < total ? `${duration(left)} left` : "done",
    `${secondsPerIteration.toFixed(2)} s/iteration`,
    ...(waiting > NOTABLE_WAITING
      ? [`${(100 * waiting).toFixed(0)} % of it waiting for data`]
      : []),
    ...Object.entries(losses).map(([name, loss]) => `${name} ${loss.toFixed(3)}`),
    `rate ${rate.toExponential(1)}`,
  ];
  return parts.join("  ");
}

/** A bar or lines: how many are done, and a text about it. */
export interface Display {
  update(done: number, text: string): void;
  log(line: string): void;
  stop(): void;
}

/** Lines, not too many: the first, the last and one every few seconds. */
function openLines(
  terminal: Terminal,
  noun: string,
  total: number,
  now: () => number,
): Display {
  const width = String(total).length;
  const log = (line: string) => terminal.error(`${line}\n`);
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
 * @param show How a number is written.
 */
export function openBar(
  terminal: Terminal,
  total: number,
  start: number,
  show: (value: number) => string = String,
): Display {
  const barsize = Math.max(5, Math.min(30, terminal.columns - 90));
  const room = terminal.columns - barsize - 2 * show(total).length - 6;
  const stream = Object.assign(
    new Writable({
      decodeStrings: false,
      write(text, _, done) {
        terminal.error(String(text));
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
      type === "value" || type === "total" ? show(value) : String(value),
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
      if (!bar.isActive) return terminal.error(`${line}\n`);
      const { value } = bar as unknown as { value: number }; // kept, but not in its types
      bar.stop();
      terminal.error(`\x1b[1A\x1b[2K${line}\n`); // the line replaces the bar's last state
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
export function openProgress(
  terminal: Terminal,
  total: number,
  start = 0,
  now: () => number = () => performance.now(),
): Progress {
  const display = terminal.errorIsTerminal
    ? openBar(terminal, total, start)
    : openLines(terminal, "iteration", total, now);
  return {
    update: (step) => display.update(step.iteration, describe(step, total)),
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
  const from = now();
  let display: Display | null = null;
  const stop = () => display?.stop();
  return {
    update(done, of) {
      display ??= terminal.errorIsTerminal
        ? openBar(terminal, of, 0)
        : openLines(terminal, noun, of, now);
      const seconds = (now() - from) / 1000 / done;
      const left = done < of ? `${duration((of - done) * seconds)} left` : "done";
      display.update(done, `${seconds.toFixed(2)} s/${noun}  ${left}`);
    },
    stop,
    [Symbol.dispose]: stop,
  };
}
