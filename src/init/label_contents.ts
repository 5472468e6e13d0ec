/** What label files hold, before anybody has said what it means. @module */

import { packRgb } from "../data/label_colors.ts";
import { isTiff } from "../formats/image_file.ts";
import { decodePng } from "../formats/png.ts";
import { decodeTiff } from "../formats/tiff.ts";
import type { ClassSearch } from "./found_data.ts";

/** What the pixels of a label file are. */
export type LabelForm = "values" | "colors";

/** The contents of one label file. */
export interface LabelContents {
  readonly form: LabelForm;
  /** Pixels of each value, or of each packed color; null: too many for a label. */
  readonly pixels: ReadonlyMap<number, number> | null;
  /** The colors of the values; null: the file has none. */
  readonly palette: readonly (readonly number[])[] | null;
}

/** A label of more values or colors is a photograph, or went through JPEG. */
const MAX_COLORS = 64;
const MAX_VALUES = 256;

/** Gray values that are a value and its neighbors, as interpolation makes them. */
const MAX_GRAY_STEPS = 160;

/**
 * Counts the values of a label, or its colors where it is RGB.
 *
 * @param file Its path, for messages.
 * @throws {SyntaxError} If it is no PNG or TIFF.
 */
export function readLabelContents(bytes: Uint8Array, file: string): LabelContents {
  const { channels, bitDepth, data, palette } = isTiff(bytes)
    ? { ...decodeTiff(bytes, file), palette: null }
    : decodePng(bytes, file);
  const form = channels >= 3 ? "colors" : "values";
  const pixels = new Map<number, number>();
  const most = form === "colors"
    ? MAX_COLORS
    : palette === null
    ? MAX_GRAY_STEPS
    : MAX_VALUES;
  const shift = bitDepth === 16 ? 8 : 0;
  for (let at = 0; at < data.length; at += channels) {
    const value = form === "values" ? data[at] ?? 0 : packRgb(...rgbAt(data, at, shift));
    pixels.set(value, (pixels.get(value) ?? 0) + 1);
    if (pixels.size > most) return { form, pixels: null, palette };
  }
  return { form, pixels, palette };
}

function rgbAt(
  data: Uint8Array | Uint16Array,
  at: number,
  shift: number,
): [number, number, number] {
  const sample = (channel: number) => (data[at + channel] ?? 0) >> shift;
  return [sample(0), sample(1), sample(2)];
}

/** What all labels of a data set hold together. */
export interface LabelSummary {
  readonly form: LabelForm;
  /** Pixels of each value, or of each packed color, in all labels. */
  readonly totals: ReadonlyMap<number, number>;
  /** The same of every label that was read, by its key. */
  readonly byImage: ReadonlyMap<string, ReadonlyMap<number, number>>;
  /** The palette of the first label that has one. */
  readonly palette: readonly (readonly number[])[] | null;
  /** Paths of labels that hold too many values to be labels. */
  readonly blurred: readonly string[];
}

/** A label to be read. */
export interface LabelFile {
  /** Of its image. */
  readonly key: string;
  /** For messages. */
  readonly path: string;
  readonly read: () => Promise<Uint8Array>;
}

/**
 * Reads labels and puts together what they hold.
 *
 * @throws {SyntaxError} If one cannot be read, or some hold values and others colors.
 */
export async function summarizeLabels(
  labels: readonly LabelFile[],
  { progress, signal }: ClassSearch,
): Promise<LabelSummary> {
  const totals = new Map<number, number>();
  const byImage = new Map<string, ReadonlyMap<number, number>>();
  const blurred: string[] = [];
  let first: { readonly path: string; readonly form: LabelForm } | null = null;
  let palette: LabelSummary["palette"] = null;
  for (const [i, { key, path, read }] of labels.entries()) {
    signal?.throwIfAborted();
    const contents = readLabelContents(await read(), path);
    progress(i + 1, labels.length);
    if (contents.pixels === null) {
      blurred.push(path);
      continue;
    }
    first ??= { path, form: contents.form };
    if (first.form !== contents.form) {
      const [gray, rgb] = first.form === "values"
        ? [first.path, path]
        : [path, first.path];
      throw new SyntaxError(
        `Cannot use the labels: "${gray}" holds values and "${rgb}" colors: convert the ` +
          "ones to the form of the others",
      );
    }
    palette ??= contents.palette;
    byImage.set(key, contents.pixels);
    for (const [value, count] of contents.pixels) {
      totals.set(value, (totals.get(value) ?? 0) + count);
    }
  }
  return { form: first?.form ?? "values", totals, byImage, palette, blurred };
}
