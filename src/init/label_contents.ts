/** What label files hold, before anybody has said what it means. @module */

import { IGNORE_INDEX } from "../core/host_batch.ts";
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

/** A label that was read, with nothing left to ask. */
interface ReadLabel {
  readonly path: string;
  readonly form: LabelForm;
  readonly pixels: ReadonlyMap<number, number>;
  readonly palette: LabelContents["palette"];
}

/**
 * Reads labels and puts together what they hold. Where a value has one color in the palette
 * of one label and another one in that of another, colors are what they have in common.
 *
 * @throws {SyntaxError} If one cannot be read, or some hold values and others colors.
 */
export async function summarizeLabels(
  labels: readonly LabelFile[],
  { progress, signal }: ClassSearch,
): Promise<LabelSummary> {
  const found = new Map<string, ReadLabel>();
  const blurred: string[] = [];
  for (const [i, { key, path, read }] of labels.entries()) {
    signal?.throwIfAborted();
    const { pixels, ...rest } = readLabelContents(await read(), path);
    progress(i + 1, labels.length);
    if (pixels === null) blurred.push(path);
    else found.set(key, { ...rest, path, pixels });
  }
  const all = [...found.values()];
  const [first] = all;
  const other = all.find(({ form }) => form !== first?.form);
  if (first !== undefined && other !== undefined) {
    const [gray, rgb] = first.form === "values" ? [first, other] : [other, first];
    throw new SyntaxError(
      `Cannot use the labels: "${gray.path}" holds values and "${rgb.path}" colors: convert ` +
        "the ones to the form of the others",
    );
  }
  const areColors = first?.form === "colors" || havePalettesOfTheirOwn(all);
  const pixelsOf = (label: ReadLabel) =>
    areColors && label.form === "values" ? colorsOf(label) : label.pixels;
  const byImage = new Map([...found].map(([key, label]) => [key, pixelsOf(label)]));
  const totals = new Map<number, number>();
  for (const pixels of byImage.values()) {
    for (const [value, count] of pixels) {
      totals.set(value, (totals.get(value) ?? 0) + count);
    }
  }
  return {
    form: areColors ? "colors" : "values",
    palette: all.find(({ palette }) => palette !== null)?.palette ?? null,
    ...{ totals, byImage, blurred },
  };
}

// As programs make them that reduce a picture to few colors.
function havePalettesOfTheirOwn(labels: readonly ReadLabel[]): boolean {
  if (labels.some(({ palette }) => palette === null)) return false;
  const colorOf = new Map<number, number>();
  return labels.some(({ pixels, palette }) =>
    [...pixels.keys()].some((value) => {
      if (value === IGNORE_INDEX) return false;
      const color = paletteColor(palette, value);
      const before = colorOf.get(value) ?? color;
      colorOf.set(value, before);
      return color !== before;
    })
  );
}

function colorsOf({ pixels, palette }: ReadLabel): Map<number, number> {
  const colors = new Map<number, number>();
  for (const [value, count] of pixels) {
    if (value === IGNORE_INDEX) continue;
    const color = paletteColor(palette, value);
    colors.set(color, (colors.get(color) ?? 0) + count);
  }
  return colors;
}

function paletteColor(palette: LabelContents["palette"], value: number): number {
  const [red = 0, green = 0, blue = 0] = palette?.[value] ?? [];
  return packRgb(red, green, blue);
}
