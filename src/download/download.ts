/**
 * Downloads published weights: a file is complete and verified, or absent.
 *
 * Bytes go to `<file>.part`, which survives interruptions and is resumed at the next
 * start. Only a complete file with the right checksum gets its final name.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  errorReason,
  fileWriteError,
  isMissingPath,
  statOrNull,
} from "../io/file_errors.ts";
import { parseHttpUrl, redactUrl, SourceError } from "../io/http.ts";
import {
  CHECKSUM_FILE,
  describeMismatch,
  fileChunks,
  type FileDigest,
  hasChecksum,
  hashFile,
  readChecksums,
  recordChecksum,
} from "./checksum.ts";
import { openPartialFile, type PartialFile } from "./partial_file.ts";
import {
  type ManualSource,
  type PublishedFile,
  publishedFilesOf,
  type WeightsEntry,
} from "./registry.ts";
import { type Delivery, hashUrl, transferFile } from "./transfer.ts";

/** The folder of downloads, in the working directory, unless another one is named. */
const DEFAULT_WEIGHTS_FOLDER = "weights";

/** A file that is not in the registry. */
export interface WeightsAddress {
  /** http or https. */
  readonly url: string;
  /** 64 hexadecimal digits; without them, the first download is trusted. */
  readonly sha256?: string;
}

/**
 * What happens during a download of `file`.
 *
 * - `bytes`: the number received, and the total (null: not announced).
 * - `checking`: all bytes have arrived and are compared with the checksum.
 * - `retry`: the connection broke, and the download resumes after some seconds.
 * - `failed`: this source does not provide the file, and the next one is tried.
 * - `rejected`: an existing file is not the expected one; it was moved to `path`.
 */
export type DownloadEvent =
  | { kind: "bytes"; file: string; received: number; total: number | null }
  | { kind: "checking"; file: string }
  | { kind: "retry"; file: string; from: string; reason: string; seconds: number }
  | { kind: "failed"; file: string; from: string; reason: string }
  | { kind: "rejected"; file: string; path: string; reason: string };

/** How to download. */
export interface DownloadOptions {
  /** Folder of the files, created if it is missing. @default {"weights"} */
  readonly folder?: string | undefined;
  /** A mirror instead of the known sources: an address or a folder of files. */
  readonly mirror?: string | undefined;
  /** Called for everything that happens. */
  readonly onProgress?: (event: DownloadEvent) => void;
  /** Stops the download; what was received stays for the next start. */
  readonly signal?: AbortSignal;
  /** Makes the requests. @default the global `fetch` */
  readonly fetch?: typeof fetch;
  /** Seconds before each try after the first at one source. @default {[0.5, 1, 2, 4]} */
  readonly retryDelays?: readonly number[];
  /** Seconds without a byte after which a connection counts as broken. @default {30} */
  readonly idleTimeout?: number;
}

/** A file that exists and is verified. */
export interface DownloadResult {
  /** The requested name or address. */
  readonly name: string;
  /** The path of the file. */
  readonly path: string;
  /** Whether it was downloaded now. */
  readonly status: "downloaded" | "already present";
  /** Its size. */
  readonly bytes: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
  /** Where it came from, without a query; null: it was already present. */
  readonly source: string | null;
}

/** Weights that only a person can download. */
export class ManualDownloadError extends Error {
  /** Identifies the class of error. */
  override readonly name = "ManualDownloadError";

  /** An error about the weights of that name. */
  constructor(
    name: string,
    /** Where to save the file. */
    readonly path: string,
    /** Pages to open and what to do there; one of them is enough. */
    readonly sources: readonly ManualSource[],
  ) {
    const steps = sources.map(({ page, instruction }) =>
      `open ${page} and ${instruction}`
    );
    super(
      `Cannot download "${name}" without a person: ${steps.join(", or ")}, ` +
        `save the file as "${path}" and run again`,
    );
  }
}

/** Enough for a connection that comes back within seconds. */
const RETRY_DELAYS = [0.5, 1, 2, 4];
const IDLE_TIMEOUT = 30;

/** No file of weights is larger; a server may send without an end. */
const MOST_BYTES = 2 ** 36;
/** As the sizes in the registry are approximate, and a source may have another form. */
const SIZE_MARGIN = 2;

/** What a download needs of an entry of the registry. */
type Publication =
  & PublishedFile
  & Pick<WeightsEntry, "name" | "sources">
  & Partial<Pick<WeightsEntry, "megabytes">>;

/** A source and the file that it should have. */
interface Candidate {
  readonly source: string;
  readonly file: PublishedFile;
}

/**
 * A file name for an address: safe on every system and different for every address.
 * Servers do not influence it.
 */
export function fileNameForUrl(url: URL): string {
  const last = url.pathname.split("/").filter((part) => part !== "").at(-1) ?? "";
  const sanitized = last.replace(/%[0-9a-f]{2}/gi, "_").replace(/[^A-Za-z0-9._-]/g, "_");
  const trimmed = sanitized.replace(/^[._-]+/, "").replace(/\.+$/, "").slice(-80);
  return `${hashUrl(url.href).slice(0, 8)}_${trimmed || "weights"}`;
}

/** The file at an address in the form of an entry of the registry. */
function publicationAt(address: WeightsAddress): Publication {
  const url = parseHttpUrl(address.url);
  if (url === null) {
    throw new RangeError(
      `Cannot download "${address.url}": it must begin with https:// or http://`,
    );
  }
  const sha256 = address.sha256?.toLowerCase() ?? null;
  if (sha256 !== null && !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new RangeError(
      `Cannot download "${address.url}": "sha256" must be 64 hexadecimal digits: ` +
        `received "${address.sha256}"`,
    );
  }
  const name = redactUrl(address.url);
  const sources = [{ url: url.href }];
  const fileName = fileNameForUrl(url);
  return { name, fileName, bytes: null, sha256, sha256Prefix: null, sources };
}

/** The sources of published weights, in the order in which they are tried. */
const candidatesOf = (published: Publication): Candidate[] =>
  published.sources.flatMap((source) =>
    "url" in source
      ? [{ source: source.url, file: source.fileAtSource ?? published }]
      : []
  );

/** The same files at a mirror. */
function candidatesAt(mirror: string, files: readonly PublishedFile[]): Candidate[] {
  const isFolder = mirror.startsWith("file://");
  const url = isFolder ? null : parseHttpUrl(mirror);
  const folder = isFolder ? fileURLToPath(mirror) : mirror;
  const sourceOf = (fileName: string): string => {
    if (url === null) return join(folder, fileName);
    const pathname = `${url.pathname.replace(/\/$/, "")}/${fileName}`;
    return Object.assign(new URL(url), { pathname }).href;
  };
  return files.map((file) => ({ source: sourceOf(file.fileName), file }));
}

/** What the steps of one download share. */
interface DownloadJob {
  readonly name: string;
  readonly folder: string;
  readonly options: DownloadOptions;
  readonly signal: AbortSignal;
  readonly emit: (event: DownloadEvent) => void;
  /** The most that is received. */
  readonly mostBytes: number;
}

/** Why a file is wrong, by its published checksum, else by that of its first download. */
async function verificationFailure(
  file: PublishedFile,
  measured: FileDigest,
  folder: string,
): Promise<string | null> {
  const mismatch = describeMismatch(file, measured);
  if (mismatch !== null || file.sha256 !== null) return mismatch;
  const record = (await readChecksums(folder)).get(file.fileName);
  if (record === undefined || record.sha256 === measured.sha256) return null;
  const recordsPath = join(folder, CHECKSUM_FILE);
  return `its SHA-256 is ${measured.sha256} and was ${record.sha256} when it first ` +
    `came; remove its record from "${recordsPath}" if the publisher changed it`;
}

async function toDownloadResult(
  { folder, name }: DownloadJob,
  { fileName }: PublishedFile,
  measured: FileDigest,
  source: string | null,
): Promise<DownloadResult> {
  const record = (await readChecksums(folder)).get(fileName);
  if (record?.sha256 !== measured.sha256) {
    await recordChecksum(folder, fileName, { ...measured, source });
  }
  const status = source === null ? "already present" : "downloaded";
  return { name, path: join(folder, fileName), status, ...measured, source };
}

/** Uses an existing file if it is right, else renames it. */
async function findExistingFile(
  job: DownloadJob,
  file: PublishedFile,
): Promise<DownloadResult | null> {
  const path = join(job.folder, file.fileName);
  const stat = await statOrNull(path);
  if (stat === null) return null;
  if (!stat.isFile) {
    throw new Error(`Cannot write "${path}": it is not a file; remove it`);
  }
  job.emit({ kind: "checking", file: file.fileName });
  const measured = await hashFile(path, job.signal);
  const reason = await verificationFailure(file, measured, job.folder);
  if (reason === null) return toDownloadResult(job, file, measured, null);
  const rejectedPath = `${path}.rejected`;
  await Deno.rename(path, rejectedPath).catch((error) => {
    throw fileWriteError(rejectedPath, error);
  });
  job.emit({ kind: "rejected", file: file.fileName, path: rejectedPath, reason });
  return null;
}

/**
 * Copies a mirror's file into the partial file, from the beginning: disks need no
 * resuming.
 *
 * @throws {SourceError} If it does not exist or cannot be read.
 */
async function copyIntoPartial(
  partial: PartialFile,
  path: string,
  signal: AbortSignal,
  onBytes: (received: number, total: number) => void,
): Promise<void> {
  using file = await Deno.open(path).catch((error) => {
    throw new SourceError(isMissingPath(error) ? "is not there" : errorReason(error));
  });
  const { isFile, size: total } = await file.stat();
  if (!isFile) throw new SourceError("is no file");
  await partial.restart({ source: "a folder", validator: null, total });
  for await (const chunk of fileChunks(file, signal)) {
    await partial.append(chunk);
    onBytes(partial.size, total);
  }
}

const displaySource = (source: string) =>
  parseHttpUrl(source) === null ? source : redactUrl(source);

/** Fills the partial file from one source. */
async function fetchInto(
  { options, signal, emit, mostBytes }: DownloadJob,
  { source, file }: Candidate,
  partial: PartialFile,
): Promise<Delivery> {
  const { fileName } = file;
  const onBytes = (received: number, total: number | null) =>
    emit({ kind: "bytes", file: fileName, received, total });
  if (parseHttpUrl(source) === null) {
    await copyIntoPartial(partial, source, signal, onBytes);
    return "single response";
  }
  return await transferFile(source, partial, {
    fetch: options.fetch,
    signal,
    hasChecksum: hasChecksum(file),
    bytes: file.bytes,
    mostBytes,
    retryDelays: options.retryDelays ?? RETRY_DELAYS,
    idleTimeout: options.idleTimeout ?? IDLE_TIMEOUT,
    onBytes,
    onRetry: (reason, seconds) =>
      emit({ kind: "retry", file: fileName, from: redactUrl(source), reason, seconds }),
  });
}

/** Downloads from one source. @throws {SourceError} If it does not provide the file. */
async function downloadFrom(
  job: DownloadJob,
  candidate: Candidate,
): Promise<DownloadResult> {
  const { file } = candidate;
  const partial = await openPartialFile(join(job.folder, file.fileName));
  try {
    const existing = await findExistingFile(job, file); // from another process
    if (existing !== null) {
      await partial.remove();
      return existing;
    }
    for (let isLast = false;; isLast = true) {
      const delivery = await fetchInto(job, candidate, partial);
      job.emit({ kind: "checking", file: file.fileName });
      const measured = await hashFile(partial.path, job.signal);
      const reason = await verificationFailure(file, measured, job.folder);
      if (reason === null) {
        await partial.commit();
        const source = displaySource(candidate.source);
        return await toDownloadResult(job, file, measured, source);
      }
      await partial.clear();
      // Resumed bytes may have been of different files: try once more from the start.
      if (isLast || delivery === "single response") {
        throw new SourceError(`has another file: ${reason}`);
      }
    }
  } catch (error) {
    if (partial.size === 0) await partial.remove();
    throw error;
  } finally {
    partial.close();
  }
}

/**
 * Downloads published weights, or the file at an address, unless they are present.
 *
 * The sources are tried in order. A broken download is resumed where it broke, now and at
 * the next start; a file is complete and verified before it gets its final name. If no
 * checksum is published, that of the first download is recorded in `checksums.json` in
 * the same folder and verified from then on.
 *
 * @throws {ManualDownloadError} If only a person can download it.
 * @throws {DownloadInProgressError} If another process is downloading the same file.
 * @throws {RangeError} If the address or the checksum is malformed.
 * @throws {Error} If no source provides the file, or it cannot be written; what was
 * received stays for the next start.
 */
export async function download(
  weights: WeightsEntry | WeightsAddress,
  options: DownloadOptions = {},
): Promise<DownloadResult> {
  const { folder = DEFAULT_WEIGHTS_FOLDER, mirror, onProgress, signal } = options;
  const published = "name" in weights ? weights : publicationAt(weights);
  const { name, sources, megabytes = null } = published;
  const files = publishedFilesOf(published);
  const candidates = mirror === undefined
    ? candidatesOf(published)
    : candidatesAt(mirror, files);
  const job: DownloadJob = {
    name,
    folder,
    options,
    signal: signal ?? new AbortController().signal,
    emit: onProgress ?? (() => {}),
    mostBytes: megabytes === null ? MOST_BYTES : SIZE_MARGIN * 1e6 * megabytes,
  };
  await Deno.mkdir(folder, { recursive: true }).catch((error) => {
    throw fileWriteError(folder, error);
  });
  for (const file of files) {
    const result = await findExistingFile(job, file);
    if (result !== null) return result;
  }
  const failures: string[] = [];
  for (const candidate of candidates) {
    try {
      return await downloadFrom(job, candidate);
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) {
        throw new Error(
          `Cannot download "${name}": this program may not use the network; ` +
            `run "deno task download ${name}" first`,
          { cause: error },
        );
      }
      if (!(error instanceof SourceError)) throw error;
      const { message: reason } = error;
      const from = displaySource(candidate.source);
      failures.push(`${from} ${reason}`);
      job.emit({ kind: "failed", file: candidate.file.fileName, from, reason });
    }
  }
  const manualSources = sources.filter((source) => "page" in source);
  if (mirror === undefined && manualSources.length > 0) {
    throw new ManualDownloadError(name, join(folder, published.fileName), manualSources);
  }
  throw new Error(`Cannot download "${name}": ${failures.join("; ")}`);
}
