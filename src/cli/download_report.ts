/** A download as its user sees it: a bar with bytes and rate, and what went wrong. @module */
import { formatBytes } from "./format_bytes.ts";
import { formatTable } from "./format_table.ts";
import { formatDuration, openBar, type ProgressDisplay } from "./progress_bar.ts";
import type { DownloadEvent, DownloadResult } from "../../weights.ts";
import { ManualDownloadError } from "../download/download.ts";
import type { WeightsEntry } from "../../weights.ts";
import type { Terminal } from "./terminal.ts";

/** Shows downloads on standard error. */
export interface DownloadReporter {
  /** Fits the library's `onProgress`. */
  readonly onProgress: (event: DownloadEvent) => void;
  /** Ends the bar's line. */
  stop(): void;
  /** Stops; for `using`. */
  [Symbol.dispose](): void;
}

/** Seconds between lines where there is no terminal. */
const SECONDS_PER_LINE = 10;

/** Lines for a log, not too many: the first, the last and one every few seconds. */
function openLineDisplay(
  terminal: Terminal,
  total: number | null,
  now: () => number,
): ProgressDisplay {
  let due = -Infinity;
  const log = (line: string) => terminal.writeErr(`${line}\n`);
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
  let current:
    | { file: string; display: ProgressDisplay; from: number; at: number }
    | null = null;
  const stop = () => {
    current?.display.stop();
    current = null;
  };
  const log = (line: string) =>
    current === null ? terminal.writeErr(`${line}\n`) : current.display.log(line);

  function showBytes(file: string, received: number, total: number | null) {
    if (current?.file !== file) {
      stop();
      const display = terminal.isErrTty && total !== null
        ? openBar(terminal, total, received, formatBytes)
        : openLineDisplay(terminal, total, now);
      current = { file, display, from: received, at: now() };
    }
    if (received < current.from) { // it started over
      current.from = received;
      current.at = now();
    }
    const seconds = (now() - current.at) / 1000;
    const rate = seconds > 0 ? (received - current.from) / seconds : 0;
    const remainingText = rate > 0 && total !== null && received < total
      ? `${formatDuration((total - received) / rate)} left  `
      : "";
    const rateText = rate > 0 ? `${formatBytes(rate)}/s  ` : "";
    const text = terminal.isErrTty && total !== null
      ? `${remainingText}${rateText}${file}`
      : `${file}  ${formatBytes(received)}${
        total === null ? "" : ` of ${formatBytes(total)}`
      }  ${remainingText}${rateText}`.trimEnd();
    current.display.update(received, text);
  }

  return {
    onProgress(event) {
      switch (event.kind) {
        case "bytes":
          return showBytes(event.file, event.received, event.total);
        case "checking":
          return stop();
        case "retry":
          return log(
            `${event.from}: ${event.reason}; retrying in ${
              formatDuration(event.seconds)
            }`,
          );
        case "failed":
          stop();
          return log(`${event.from} ${event.reason}`);
        case "rejected":
          return log(`${event.file}: ${event.reason}; moved to ${event.path}`);
      }
    },
    stop,
    [Symbol.dispose]: stop,
  };
}

/** Where lines go, and who stops it; part of a command's context. */
interface DownloadContext {
  readonly terminal: Terminal;
  readonly print: (line: string) => void;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Downloads one after the other and says how each ended.
 *
 * @param requested By name; a name that was given twice is wanted once.
 * @param downloadOne Downloads one; what it reports is shown.
 * @returns The files that are there, and the names of those that are not.
 */
export async function downloadAll<Wanted, File extends DownloadResult>(
  requested: ReadonlyMap<string, Wanted>,
  downloadOne: (
    request: Wanted,
    show: ReturnType<typeof openDownloadReporter>["onProgress"],
  ) => Promise<File>,
  { terminal, print, log, signal }: DownloadContext,
): Promise<{ files: File[]; missing: string[] }> {
  using reporter = openDownloadReporter(terminal);
  const files: File[] = [];
  const missing: string[] = [];
  for (const [name, request] of requested) {
    try {
      const file = await downloadOne(request, reporter.onProgress);
      files.push(file);
      print(formatDownloadedFile(file));
    } catch (error) {
      reporter.stop();
      if (signal.aborted || !(error instanceof Error)) throw error;
      missing.push(name);
      log(
        error instanceof ManualDownloadError
          ? formatManualSteps(name, error.path, error.sources)
          : error.message,
      );
    }
  }
  return { files, missing };
}

function formatSize({ bytes, megabytes }: WeightsEntry): string {
  if (bytes !== null) return formatBytes(bytes);
  return megabytes === null ? "–" : formatBytes(megabytes * 1e6);
}

/** The hosts that have a file, or that a person must fetch it. */
function formatSources({ sources }: WeightsEntry): string {
  const hosts = sources.flatMap((source) =>
    "url" in source ? [new URL(source.url).hostname] : []
  );
  return hosts.length === 0 ? "manual download" : [...new Set(hosts)].join(", ");
}

/** Lays published weights out. @returns Lines, without a line break at the end. */
export function weightsTable(
  weights: readonly WeightsEntry[],
  terminal: Pick<Terminal, "isOutTty" | "color">,
): string {
  return formatTable(
    [
      { title: "name", align: "left" },
      { title: "description", align: "left" },
      { title: "size", align: "right" },
      { title: "license", align: "left" },
      { title: "source", align: "left" },
    ],
    weights.map((one) => [
      one.name,
      one.description,
      formatSize(one),
      one.license,
      formatSources(one),
    ]),
    terminal,
  );
}

/** What a person has to do for a file. @returns Lines, without a line break at the end. */
function formatManualSteps(
  name: string,
  path: string,
  sources: readonly { readonly page: string; readonly instruction: string }[],
): string {
  return [
    `${name} must be downloaded manually:`,
    ...sources.map(({ page, instruction }, i) =>
      `  ${i === 0 ? "1. Open" : "   or"} ${page} and ${instruction}.`
    ),
    `  2. Save the file as ${path}.`,
    "  3. Run the same command again: it checks the file.",
  ].join("\n");
}

/** One line about a file that is there. */
function formatDownloadedFile(
  { name, path, bytes, status }: DownloadResult,
): string {
  return `${name}  ${path}  ${formatBytes(bytes)}  ${status}`;
}
