/**
 * Published weights into a folder: complete and checked, or not there.
 *
 * Bytes go to `<file>.part`, which survives whatever stops a download and is continued at
 * the next start. Only a file that is complete and has the right checksum gets its name.
 *
 * @module
 */
import { join } from "node:path";
import { BOOK, readBook, record } from "./checksum_book.ts";
import { difference, isChecked, type Measured, measureFile } from "./checksum.ts";
import { copyInto } from "./copy_into.ts";
import {
  mirrored,
  type Plan,
  planFor,
  type Try,
  type WeightsAddress,
} from "./download_plan.ts";
import { webAddress } from "./file_name.ts";
import { publicUrl, SourceError } from "./http_answer.ts";
import { openPart, type PartFile } from "./part_file.ts";
import type {
  ManualSource,
  NamingScheme,
  PublishedFile,
  WeightsEntry,
} from "./published_weights.ts";
import { type Coming, transfer } from "./transfer.ts";
import { writeError } from "../core/write_error.ts";

/** The folder of downloads, in the working directory, unless another one is named. */
export const WEIGHTS_FOLDER = "weights";

/**
 * What happens during a download of `file`.
 *
 * - `bytes`: so many are there, of those that will be (null: nobody has said how many).
 * - `checking`: all bytes are there and are compared with the checksum.
 * - `pause`: the connection broke, and it goes on after some seconds.
 * - `failed`: this place does not have the file, and the next one is tried.
 * - `rejected`: a file that was there is not the one that was meant; it was moved to `path`.
 */
export type DownloadEvent =
  | { kind: "bytes"; file: string; received: number; total: number | null }
  | { kind: "checking"; file: string }
  | { kind: "pause"; file: string; from: string; reason: string; seconds: number }
  | { kind: "failed"; file: string; from: string; reason: string }
  | { kind: "rejected"; file: string; path: string; reason: string };

/** How to download. */
export interface DownloadOptions {
  /** Folder of the files, made if it is missing. Default: `weights`. */
  readonly to?: string | undefined;
  /** A mirror instead of the known places: an address or a folder of files. */
  readonly from?: string | undefined;
  /** Told about everything that happens. */
  readonly onProgress?: (event: DownloadEvent) => void;
  /** Stops the download; what has come stays for the next start. */
  readonly signal?: AbortSignal;
  /** Default: the global one. */
  readonly fetch?: typeof fetch;
  /** Seconds before each further try at one place. */
  readonly pauses?: readonly number[];
  /** Seconds without a byte after which a connection counts as broken. Default: 30. */
  readonly patience?: number;
}

/** A file that is there and is the one that was meant. */
export interface DownloadResult {
  /** As it was asked for: a name or an address. */
  readonly name: string;
  /** Where it is. */
  readonly path: string;
  /** Whether it had to come. */
  readonly status: "downloaded" | "was there";
  /** Its size. */
  readonly bytes: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
  /** Where it came from, without a query; null: it was there. */
  readonly source: string | null;
  /** Whose names its tensors have; null: not known. */
  readonly names: NamingScheme | null;
}

/** Weights that only a person can fetch. */
export class ManualDownloadError extends Error {
  /** For telling it from other errors. */
  override readonly name = "ManualDownloadError";
  /** Pages to open, and what to do there; one of them is enough. */
  readonly places: readonly ManualSource[];
  /** Where the file has to be then. */
  readonly path: string;

  /** An error about the weights of that name. */
  constructor(name: string, path: string, places: readonly ManualSource[]) {
    const steps = places.map(({ page, manual }) => `open ${page} and ${manual}`);
    super(
      `Cannot download "${name}" without a person: ${steps.join(", or ")}, ` +
        `save the file as "${path}" and run again`,
    );
    this.places = places;
    this.path = path;
  }
}

/** Enough for a line that comes back within seconds. */
const PAUSES = [0.5, 1, 2, 4];
const PATIENCE = 30;

/** What all steps of one download share. */
interface Run {
  readonly plan: Plan;
  readonly folder: string;
  readonly options: DownloadOptions;
  readonly signal: AbortSignal;
  readonly report: (event: DownloadEvent) => void;
}

/** What a file must be: as published, else as it was when it first came. */
async function judge(
  file: PublishedFile,
  measured: Measured,
  folder: string,
): Promise<string | null> {
  const published = difference(file, measured);
  if (published !== null || file.sha256 !== null) return published;
  const recorded = (await readBook(folder)).get(file.file);
  if (recorded === undefined || recorded.sha256 === measured.sha256) return null;
  return `its SHA-256 is ${measured.sha256} and was ${recorded.sha256} when it first ` +
    `came; remove its record from "${join(folder, BOOK)}" if the publisher changed it`;
}

async function resultOf(
  run: Run,
  file: PublishedFile,
  measured: Measured,
  source: string | null,
): Promise<DownloadResult> {
  const { folder, plan: { name } } = run;
  const recorded = (await readBook(folder)).get(file.file);
  if (recorded?.sha256 !== measured.sha256) {
    await record(folder, file.file, { ...measured, source });
  }
  return {
    name,
    path: join(folder, file.file),
    status: source === null ? "was there" : "downloaded",
    ...measured,
    source,
    names: file.names,
  };
}

/** A file that is there: used if it is right, else moved out of the way. */
async function present(run: Run, file: PublishedFile): Promise<DownloadResult | null> {
  const path = join(run.folder, file.file);
  const stat = await Deno.stat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  if (stat === null) return null;
  if (!stat.isFile) throw new Error(`Cannot write "${path}": it is no file; remove it`);
  run.report({ kind: "checking", file: file.file });
  const measured = await measureFile(path, run.signal);
  const reason = await judge(file, measured, run.folder);
  if (reason === null) return resultOf(run, file, measured, null);
  const aside = `${path}.rejected`;
  await Deno.rename(path, aside).catch((error) => {
    throw writeError(aside, error);
  });
  run.report({ kind: "rejected", file: file.file, path: aside, reason });
  return null;
}

/** Fills the part from one place. */
async function fill(run: Run, { from, file }: Try, part: PartFile): Promise<Coming> {
  const { options, signal, report } = run;
  const onBytes = (received: number, total: number | null) =>
    report({ kind: "bytes", file: file.file, received, total });
  if (webAddress(from) === null) {
    await copyInto(part, from, signal, onBytes);
    return "at once";
  }
  return await transfer(from, part, {
    fetch: options.fetch ?? fetch,
    signal,
    isChecked: isChecked(file),
    bytes: file.bytes,
    pauses: options.pauses ?? PAUSES,
    patience: options.patience ?? PATIENCE,
    onBytes,
    onPause: (reason, seconds) =>
      report({ kind: "pause", file: file.file, from: shown(from), reason, seconds }),
  });
}

const shown = (from: string) => webAddress(from) === null ? from : publicUrl(from);

/** Gets the file from one place, or throws a SourceError. */
async function obtain(run: Run, one: Try): Promise<DownloadResult> {
  const { file } = one;
  const path = join(run.folder, file.file);
  const part = await openPart(path);
  try {
    const meanwhile = await present(run, file); // by a process that held the part until now
    if (meanwhile !== null) {
      await part.remove();
      return meanwhile;
    }
    for (let isLast = false;; isLast = true) {
      const coming = await fill(run, one, part);
      run.report({ kind: "checking", file: file.file });
      const measured = await measureFile(part.path, run.signal);
      const reason = await judge(file, measured, run.folder);
      if (reason === null) {
        await part.finish();
        return await resultOf(run, file, measured, shown(one.from));
      }
      await part.clear();
      // Pieces may have been of different files: the file deserves a second try.
      if (isLast || coming === "at once") {
        throw new SourceError(`has another file: ${reason}`);
      }
    }
  } catch (error) {
    if (part.size === 0) await part.remove();
    throw error;
  } finally {
    part.close();
  }
}

/** The sentence for a process that may not use the network. */
function withoutNetwork(name: string, error: Error): Error {
  return new Error(
    `Cannot download "${name}": this program may not use the network; ` +
      `run "deno task download ${name}" first`,
    { cause: error },
  );
}

/**
 * Downloads published weights, or the file at an address, unless they are there.
 *
 * The places are tried in order. A broken connection is taken up where it broke, now and
 * at the next start; a file is complete and has its checksum before it gets its name. A
 * checksum that nobody has published is recorded in `checksums.json` beside the file, and
 * checked from then on.
 *
 * @throws {ManualDownloadError} If only a person can fetch it.
 * @throws {BusyError} If another process is downloading the same file.
 * @throws {RangeError} If the address or the checksum is none.
 * @throws {Error} If no place has the file, or it cannot be written; what has come stays
 * for the next start.
 */
export async function download(
  what: WeightsEntry | WeightsAddress,
  options: DownloadOptions = {},
): Promise<DownloadResult> {
  const { to: folder = WEIGHTS_FOLDER, from, onProgress, signal } = options;
  const known = planFor(what);
  const plan = from === undefined ? known : mirrored(known, from);
  const run: Run = {
    plan,
    folder,
    options,
    signal: signal ?? new AbortController().signal,
    report: onProgress ?? (() => {}),
  };
  await Deno.mkdir(folder, { recursive: true }).catch((error) => {
    throw writeError(folder, error);
  });
  for (const file of plan.files) {
    const result = await present(run, file);
    if (result !== null) return result;
  }
  const failures: string[] = [];
  for (const one of plan.tries) {
    try {
      return await obtain(run, one);
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw withoutNetwork(plan.name, error);
      if (!(error instanceof SourceError)) throw error;
      const { file: { file }, from } = one;
      failures.push(`${shown(from)} ${error.message}`);
      run.report({ kind: "failed", file, from: shown(from), reason: error.message });
    }
  }
  const [place] = plan.files;
  if (plan.manual.length > 0 && place !== undefined) {
    throw new ManualDownloadError(plan.name, join(folder, place.file), plan.manual);
  }
  throw new Error(`Cannot download "${plan.name}": ${failures.join("; ")}`);
}
