/** What a scan does with each image: count the classes of its label, or check its files. @module */

import { isRgbFormat, RGB_FORMAT } from "../core/host_batch.ts";
import { decodeRaster } from "../formats/image_codec.ts";
import { type ChannelSums, channelSums } from "./channel_sums.ts";
import { classPixels, countLabelPixels } from "./class_counts.ts";
import type { DataSpec, FileDataSpec } from "./data_spec.ts";
import type { SampleFiles } from "./data_set.ts";
import {
  assertSameSize,
  type DataSetFiles,
  decodeLabelOf,
  fileDataSet,
  labelTitle,
  sampleFilesAt,
} from "./file_data_set.ts";
import { listDataSetFiles, openDataSet, openUnpacked } from "./open_data_set.ts";

/** What a scan gives for one image, by its kind. */
export interface ScanResults {
  /** Pixels per class id of its label. */
  readonly count: number[];
  /** Whether its files are intact, and of one size. */
  readonly check: FileCheck;
}

/** What was found in the files of one image. */
export interface FileCheck {
  /** Of the image in pixels; null if it cannot be read. */
  readonly width: number | null;
  /** Likewise. */
  readonly height: number | null;
  /** Whether its EXIF orientation turned the image, which has a label. */
  readonly isTurned: boolean;
  /** Pixels per class id; null without a label, or with one that cannot be used. */
  readonly classPixels: number[] | null;
  /** Of the image; null if it cannot be read, and for RGB of 8 bits, where none are needed. */
  readonly channelSums: ChannelSums | null;
  /** What is wrong, a sentence each. */
  readonly problems: string[];
}

/** Describes a scan: plain JSON. */
export type ScanJob =
  | { readonly kind: "count"; readonly spec: DataSpec }
  | { readonly kind: "check"; readonly spec: FileDataSpec };

/** The images `from` … `to` − 1. */
export interface ScanRange {
  readonly from: number;
  readonly to: number;
  /** Their files; null where the thread has a list of all files. */
  readonly files: readonly SampleFiles[] | null;
}

/** Inspects one image. */
export type Inspect = (index: number) => Promise<ScanResults[keyof ScanResults]>;

/**
 * Opens what is scanned.
 *
 * @param root The folder of the files that ranges name; null: the data set is listed.
 * @returns What inspects the images of a range.
 * @throws As the data set does.
 */
export async function openScanJob(
  job: ScanJob,
  root: string | null,
): Promise<(range: ScanRange) => Inspect> {
  if (root !== null) {
    const withFiles = await openUnpacked(job.spec, root);
    return ({ from, files }) => {
      const set = withFiles(files ?? []);
      if (job.kind === "check") return (index) => checkFiles(set, index - from);
      const dataSet = fileDataSet(set);
      return (index) => countLabelPixels(dataSet, index - from);
    };
  }
  if (job.kind === "check") {
    const { usable } = await listDataSetFiles(job.spec);
    return () => (index) => checkFiles(usable, index);
  }
  const dataSet = await openDataSet(job.spec);
  return () => (index) => countLabelPixels(dataSet, index);
}

/** Images inspected at a time: while one is decoded, the next is read. */
const CONCURRENCY = 2;

/** What a range gave, or its first image that could not be inspected. */
export interface RangeResult {
  /** In order; of all images unless there is a failure. */
  readonly results: readonly unknown[];
  readonly failure: { readonly index: number; readonly error: Error } | null;
}

/** Inspects the images of a range. Never throws. */
export async function inspectRange(
  inspect: Inspect,
  { from, to }: ScanRange,
): Promise<RangeResult> {
  const results: unknown[] = [];
  for (let at = from; at < to; at += CONCURRENCY) {
    const count = Math.min(CONCURRENCY, to - at);
    const indices = Array.from({ length: count }, (_, i) => at + i);
    const outcomes = await Promise.allSettled(indices.map(inspect));
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === "rejected") {
        const error = sendableError(outcome.reason);
        return { results, failure: { index: at + i, error } };
      }
      results.push(outcome.value);
    }
  }
  return { results, failure: null };
}

/** An error that threads can send: without its cause, which may not be clonable. */
export function sendableError(error: unknown): Error {
  const sent = error instanceof Error ? error : new Error(String(error));
  delete sent.cause;
  return sent;
}

/** Reads both files of an image to their ends. Never throws because of them. */
async function checkFiles(set: DataSetFiles, index: number): Promise<FileCheck> {
  const { source, classes, pixelFormat = RGB_FORMAT } = set;
  const { image: imagePath, label: labelFiles } = sampleFilesAt(set, index);
  const imageFile = source.displayPath(imagePath);
  const problems: string[] = [];
  const attempt = async <T>(read: () => T | Promise<T>): Promise<T | null> => {
    try {
      return await read();
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
      return null;
    }
  };
  // Decoded by threads of a library, while this one decodes the label.
  const imagePromise = attempt(async () =>
    await decodeRaster(await source.read(imagePath), imageFile, pixelFormat)
  );
  const label = labelFiles === null
    ? null
    : await attempt(() => decodeLabelOf(set, labelFiles));
  problems.push(...label?.oddities ?? []);
  const image = await imagePromise;
  if (image !== null && label !== null && labelFiles !== null) {
    const labelFile = labelTitle(source, labelFiles);
    await attempt(() => assertSameSize(image, imageFile, label, labelFile));
  }
  return {
    width: image?.width ?? null,
    height: image?.height ?? null,
    isTurned: image?.orientation !== undefined && label !== null,
    classPixels: label && classPixels(label, classes.length),
    channelSums: image === null || isRgbFormat(pixelFormat) ? null : channelSums(image),
    problems: problems.sort(),
  };
}
