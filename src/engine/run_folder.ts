/** The folder of a run: what is in it, and how a run starts in it or goes on. @module */
import { basename, dirname, join } from "node:path";
import { writeError } from "../core/write_error.ts";
import { writeAtomic } from "../weights/write_atomic.ts";

/** Paths in a run's folder. */
export interface RunFolder {
  /** The folder itself. */
  readonly path: string;
  /** The complete configuration. */
  readonly config: string;
  /** A line of JSON per logged iteration. */
  readonly log: string;
  /** The newest checkpoint. */
  readonly last: string;
  /** The checkpoint with the best score so far. */
  readonly best: string;
  /** The result of a finished run. */
  readonly summary: string;
  /** The folder of pictures. */
  readonly pictures: string;
  /** Statistics of the data set. */
  readonly cache: string;
}

/** Names the files of a run's folder; makes nothing. */
export function runFolder(path: string): RunFolder {
  return {
    path,
    config: join(path, "config.yaml"),
    log: join(path, "log.jsonl"),
    last: join(path, "last.safetensors"),
    best: join(path, "best.safetensors"),
    summary: join(path, "summary.json"),
    pictures: join(path, "pictures"),
    cache: join(path, "cache"),
  };
}

/**
 * Makes the folder and the ones in it.
 *
 * @throws {Error} If it cannot be made, e.g. because a file is in the way.
 */
export async function makeFolder({ path, pictures }: RunFolder): Promise<void> {
  try {
    await Deno.mkdir(pictures, { recursive: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Cannot write into "${path}": ${reason}; choose another folder with --out`,
    );
  }
}

/**
 * Moves a run's folder out of the way, under a name that is free.
 *
 * @returns The new name, or null if there was no folder.
 */
export async function keepOldRun({ path }: RunFolder): Promise<string | null> {
  if (!await exists(path)) return null;
  for (let n = 1;; n++) {
    const name = join(dirname(path), `${basename(path)}.old${n}`);
    if (await exists(name)) continue;
    await Deno.rename(path, name);
    return name;
  }
}

/** Whether there is a file or folder of this name. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (!(error instanceof Deno.errors.NotADirectory)) throw error;
    throw new Error(
      `Cannot use "${dirname(path)}" as the folder of a run: a file is in the way; ` +
        "choose another folder with --out",
      { cause: error },
    );
  }
}

/** Writes a text file whole or not at all. */
export async function writeText(path: string, text: string): Promise<void> {
  await writeAtomic(path, [new TextEncoder().encode(text)]);
}

/** Adds a line of JSON to the log. */
export async function appendLog({ log }: RunFolder, line: unknown): Promise<void> {
  try {
    await Deno.writeTextFile(log, `${JSON.stringify(line)}\n`, { append: true });
  } catch (error) {
    throw writeError(log, error);
  }
}

/**
 * Drops the lines of iterations that a resumed run will do again, and a last line that an
 * interruption left unfinished.
 *
 * @param iteration The next one to be done.
 */
export async function rewindLog({ log }: RunFolder, iteration: number): Promise<void> {
  if (!await exists(log)) return;
  const lines = (await Deno.readTextFile(log)).split("\n").filter((line) => {
    const done = iterationOf(line);
    return done !== null && done <= iteration;
  });
  await writeText(log, lines.map((line) => `${line}\n`).join(""));
}

function iterationOf(line: string): number | null {
  if (line === "") return null;
  try {
    const { iteration } = JSON.parse(line) as { iteration?: unknown };
    return typeof iteration === "number" ? iteration : null;
  } catch {
    return null; // cut short
  }
}
