/**
 * What makes a data set the same one at another time, found without reading its pixels:
 * names, the size of each file, and checksums that cost little: the CRC-32 that a zip has
 * of each file, or else a hash of the end of the files of some images.
 *
 * Labels that are parts of a file of annotations are hashed, all of them.
 *
 * A file that changes and keeps its size is noticed if it lies in a zip, and else if it is
 * one of those and its end changes, too, where a PNG has a checksum of its pixels. Dates
 * are no part of it: copies have others.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { DataIdentity, SampleFiles } from "./data_set.ts";
import { evenlySpacedIndices } from "./evenly_spaced.ts";
import type { FileSource } from "./source/file_source.ts";

/** Images the ends of whose files are read, evenly spread over the set. */
const MOST_READ = 2048;

/** Files that are looked at at a time. */
const CONCURRENCY = 256;

/** A hash of texts, each of which is a line. */
export function hashLines(lines: Iterable<string>): string {
  const hash = createHash("sha256");
  for (const line of lines) hash.update(`${line}\n`);
  return hash.digest("hex").slice(0, 32);
}

/** The identity of a data set in files. */
export async function filesIdentity(
  source: FileSource,
  samples: readonly SampleFiles[],
): Promise<DataIdentity> {
  const annotations = createHash("sha256");
  let hasParts = false;
  const filesOfSamples = samples.map(({ image, label }) => {
    if (label === null) return [image];
    if (typeof label === "string") return [image, label];
    annotations.update(label.bytes).update("\n");
    hasParts = true;
    return [image];
  });
  const files = filesOfSamples.flat();
  const sizes = await inChunks(files, source.size);
  const areKnown = files.every((path) => source.knownCrc32(path) !== null);
  const checked = areKnown ? files : evenlySpacedIndices(samples.length, MOST_READ)
    .flatMap((i) => filesOfSamples[i] ?? []);
  const checksums = await inChunks(checked, (path) => checksumOf(source, path));
  return {
    images: samples.length,
    names: hashLines(samples.map(({ name }) => name)),
    sizes: hashLines(sizes.map(String)),
    contents: contentsOf(checksums),
    ...(hasParts ? { annotations: annotations.digest("hex").slice(0, 32) } : {}),
  };
}

/** Those of one kind can be compared. */
interface Checksum {
  readonly kind: "crc" | "tail";
  readonly value: string;
}

async function checksumOf(source: FileSource, path: string): Promise<Checksum | null> {
  const crc = source.knownCrc32(path);
  if (crc !== null) return { kind: "crc", value: crc.toString(16) };
  // labelme puts the picture behind its shapes: the end does not tell of them.
  const end = /\.json$/i.test(path)
    ? await source.read(path)
    : await source.readEnd(path);
  if (end === null) return null;
  const hash = createHash("sha256").update(end).digest("hex");
  return { kind: "tail", value: hash.slice(0, 16) };
}

// Those of a zip and of what was unpacked from it cannot be compared.
function contentsOf(checksums: readonly (Checksum | null)[]): string | null {
  const [first = null] = checksums;
  if (first === null) return null;
  const values: string[] = [];
  for (const one of checksums) {
    if (one?.kind !== first.kind) return null;
    values.push(one.value);
  }
  return `${first.kind} ${hashLines(values)}`;
}

async function inChunks<Result>(
  paths: readonly string[],
  ask: (path: string) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < paths.length; at += CONCURRENCY) {
    results.push(...await Promise.all(paths.slice(at, at + CONCURRENCY).map(ask)));
  }
  return results;
}
