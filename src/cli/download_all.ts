/** Several downloads in a row: what fails does not stop the others. @module */

import { openDownloadReporter } from "./download_reporter.ts";
import type { Terminal } from "./terminal.ts";
import { arrivalText, stepsText } from "./weights_text.ts";

/** A file that has come; fits the library's `DownloadResult`. */
interface Arrived {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly status: string;
}

/** What a person has to do; fits the library's `ManualDownloadError`. */
interface Steps extends Error {
  readonly path: string;
  readonly places: readonly { readonly page: string; readonly manual: string }[];
}

/** Where lines go, and who stops it; part of a command's context. */
interface Context {
  readonly terminal: Terminal;
  readonly print: (line: string) => void;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

const isSteps = (error: Error): error is Steps => "places" in error && "path" in error;

/**
 * Downloads one after the other and says how each ended.
 *
 * @param wanted By name; a name that was given twice is wanted once.
 * @param get Downloads one; what it reports is shown.
 * @returns The files that are there, and the names of those that are not.
 */
export async function downloadAll<Wanted, File extends Arrived>(
  wanted: ReadonlyMap<string, Wanted>,
  get: (
    one: Wanted,
    show: ReturnType<typeof openDownloadReporter>["show"],
  ) => Promise<File>,
  { terminal, print, log, signal }: Context,
): Promise<{ files: File[]; missing: string[] }> {
  using reporter = openDownloadReporter(terminal);
  const files: File[] = [];
  const missing: string[] = [];
  for (const [name, one] of wanted) {
    try {
      const file = await get(one, reporter.show);
      files.push(file);
      print(arrivalText(file));
    } catch (error) {
      reporter.stop();
      if (signal.aborted || !(error instanceof Error)) throw error;
      missing.push(name);
      log(isSteps(error) ? stepsText(name, error.path, error.places) : error.message);
    }
  }
  return { files, missing };
}
