/** From the values or the colors in a label file to class ids, strictly. @module */

import { type ClassInfo, IGNORE_INDEX, type Size } from "../core/host_batch.ts";
import { isTiff } from "../formats/image_file.ts";
import { decodePng, type PngImage } from "../formats/png.ts";
import { decodeTiff } from "../formats/tiff.ts";
import type { LabelMap } from "./data_set.ts";
import {
  type Color,
  contradictionOf,
  type LabelColors,
  meaningOfPalette,
  packRgb,
} from "./label_colors.ts";

/** Marks values that a file must not hold. */
const INVALID = -1;

/** What each of the 256 values of a label file means. */
export interface LabelLookup {
  /** Class id, {@linkcode IGNORE_INDEX}, or −1 for values that are an error. [256] */
  readonly ids: Int16Array;
  /** The allowed values, for the message. */
  readonly allowedValues: string;
  /** What to do about another one, for the message. */
  readonly hint: string;
  /** What to do where the values are 0 … N in place of 0 … N − 1; left out: nothing. */
  readonly offsetHint?: string;
}

/** How a label file holds its values. */
export interface LabelEncoding {
  /** For messages, with what to do about another form. */
  readonly expectation: string;
  /** Where the value of a pixel is: in its only channel, or in the red one of colors. */
  readonly channel: "only" | "red";
  /** Bits per sample. */
  readonly bitDepths: readonly number[];
  /** Whether the values may be indices into a palette. */
  readonly palette: "any" | "none";
}

/** Class ids or what is mapped to them, as this project's own folders have it. */
export const CLASS_ID_ENCODING: LabelEncoding = {
  expectation: "labels are 8-bit gray or palette PNGs whose values are class ids: " +
    "convert it first",
  channel: "only",
  bitDepths: [1, 2, 4, 8],
  palette: "any",
};

/**
 * Builds the table of a data set. 255 is ignored unless the map says otherwise.
 *
 * @param classes Index = class id.
 * @param mapping From file value to class id or 255; null if values are class ids.
 * @throws {RangeError} If the map has a key or a value out of range.
 */
export function createLabelLookup(
  classes: readonly ClassInfo[],
  mapping: Readonly<Record<string, number>> | null,
): LabelLookup {
  const ids = new Int16Array(256).fill(INVALID);
  const hint = 'correct "classes" or map the values in "labelMap"';
  ids[IGNORE_INDEX] = IGNORE_INDEX;
  if (mapping === null) {
    for (let id = 0; id < classes.length; id++) ids[id] = id;
    return {
      ids,
      allowedValues: `0 … ${classes.length - 1} and ${IGNORE_INDEX} (ignored)`,
      hint,
      offsetHint: `${hint}; if the classes are 1 … ${classes.length} and 0 is none of ` +
        `them, it is ${offsetLabelMap(classes.length)}`,
    };
  }
  for (const [key, id] of Object.entries(mapping)) {
    const value = Number(key);
    if (!/^\d+$/.test(key) || value > 255) {
      throw new RangeError(
        `Cannot map label values: "labelMap" has the key "${key}", but a value in an 8-bit file ` +
          `is a whole number of 0 … 255`,
      );
    }
    if (
      id !== IGNORE_INDEX && !(Number.isInteger(id) && id >= 0 && id < classes.length)
    ) {
      throw new RangeError(
        `Cannot map label values: "labelMap" maps ${value} to ${id}, but there are ` +
          `${classes.length} classes: use 0 … ${
            classes.length - 1
          }, or ${IGNORE_INDEX} to ignore`,
      );
    }
    ids[value] = id;
  }
  const values = [...ids.keys()].filter((value) => ids[value] !== INVALID);
  return { ids, allowedValues: `those of "labelMap" (${values.join(", ")})`, hint };
}

/** The label map of values that begin at 1, as a configuration has it. */
export const offsetLabelMap = (classes: number): string => {
  const shown = Math.min(classes, 3);
  const pairs = Array.from({ length: shown }, (_, id) => `${id + 1}: ${id}`);
  const rest = classes > shown
    ? [...(classes > shown + 1 ? ["…"] : []), `${classes}: ${classes - 1}`]
    : [];
  return `"labelMap": {0: ${IGNORE_INDEX}, ${[...pairs, ...rest].join(", ")}}`;
};

/**
 * Decodes a label file: a PNG whose gray value, palette index or red value is looked up in
 * the table, or whose colors are those of classes; or a TIFF, which has no palette.
 *
 * @param file Its path, for messages.
 * @param colors What colors stand for; null: a palette is not looked at.
 * @throws {SyntaxError} If it is no PNG, or one of another form.
 * @throws {RangeError} If it holds a value or a color that stands for nothing, or a palette
 * that contradicts the colors of the classes.
 */
export function decodeLabel(
  bytes: Uint8Array,
  file: string,
  table: LabelLookup,
  encoding: LabelEncoding = CLASS_ID_ENCODING,
  colors: LabelColors | null = null,
): LabelMap {
  const { width, height, channels, bitDepth, data, palette } = isTiff(bytes)
    ? decodeTiffLabel(bytes, file)
    : decodePng(bytes, file);
  if (palette === null && (bitDepth === 2 || bitDepth === 4)) {
    throw new SyntaxError(
      `Cannot read the label "${file}": its pixels are ${bitDepth}-bit gray, of which 1 is ` +
        `${255 / (2 ** bitDepth - 1)} for Pillow and 1 for others: save it with 8 bits`,
    );
  }
  const isColored = channels === 3 || channels === 4;
  const describeUnknown = colors?.describeUnknown ?? null;
  if (isColored && bitDepth === 8 && colors !== null && describeUnknown !== null) {
    return mapColors(
      { width, height, data, channels },
      file,
      colors.ids,
      describeUnknown,
    );
  }
  if (
    isColored !== (encoding.channel === "red") || (!isColored && channels !== 1) ||
    !(encoding.bitDepths.includes(bitDepth) || isTiff(bytes)) ||
    (palette !== null && encoding.palette === "none")
  ) {
    const found = palette === null
      ? `${bitDepth}-bit ${CHANNEL_NAMES[channels] ?? `of ${channels} channels`}`
      : "indices of a palette";
    throw new SyntaxError(
      `Cannot read the label "${file}": its pixels are ${found}, but ${encoding.expectation}`,
    );
  }
  const values = { width, height, data, step: channels };
  if (palette === null) {
    // A gray sample of fewer bits is a number all the same: no scaling to 0 … 255.
    return mapLabelValues(values, file, table, isColored ? "red value" : "value");
  }
  const meaning = colors === null ? "index" : meaningOfPalette(palette, data, colors);
  if (meaning === "contradiction" && colors !== null) {
    throw new RangeError(
      `Cannot use the label "${file}": ${
        contradictionOf(palette, data, colors)
      }: save it ` +
        "as a gray PNG of class ids, or correct the colors of the classes",
    );
  }
  const byColor = meaning === "color" && colors !== null
    ? { ...table, ids: idsOfPalette(palette, colors) }
    : table;
  return mapLabelValues(values, file, byColor, "palette index");
}

const CHANNEL_NAMES = ["", "gray", "gray and alpha", "RGB", "RGBA"];

function decodeTiffLabel(bytes: Uint8Array, file: string): PngImage {
  const { orientation, ...image } = decodeTiff(bytes, file);
  if (orientation === 1) return { ...image, palette: null };
  throw new SyntaxError(
    `Cannot read the label "${file}": its orientation is ${orientation}, and only pictures ` +
      "are turned: save it turned",
  );
}

function idsOfPalette(
  palette: readonly (readonly number[])[],
  { ids: idsByColor, ignoredValue }: LabelColors,
): Int16Array {
  const ids = new Int16Array(256).fill(INVALID);
  for (const [value, [red = 0, green = 0, blue = 0]] of palette.entries()) {
    ids[value] = idsByColor.get(packRgb(red, green, blue)) ?? INVALID;
  }
  if (ignoredValue !== null) ids[ignoredValue] = IGNORE_INDEX;
  return ids;
}

/**
 * Decodes an 8-bit RGB label whose colors stand for classes.
 *
 * @param file Its path, for messages.
 * @param title Of the data set, for messages.
 * @param colors The colors of each class, in the order of their ids.
 * @param ignored Colors that stand for no class.
 * @throws {SyntaxError} If it is no PNG, or one of another form.
 * @throws {RangeError} If it holds another color.
 */
export function decodeColorLabel(
  bytes: Uint8Array,
  file: string,
  title: string,
  colors: readonly (readonly Color[])[],
  ignored: readonly Color[],
): LabelMap {
  const { width, height, channels, bitDepth, data } = decodePng(bytes, file);
  if (channels < 3 || bitDepth !== 8) {
    throw new SyntaxError(
      `Cannot read the label "${file}": labels of ${title} are 8-bit RGB PNGs, and this ` +
        `has ${channels} channels of ${bitDepth} bits: restore the downloaded file`,
    );
  }
  const ids = new Map(ignored.map((color) => [packRgb(...color), IGNORE_INDEX]));
  for (const [id, classColors] of colors.entries()) {
    for (const color of classColors) ids.set(packRgb(...color), id);
  }
  const describeUnknown = () => `which is none of ${title}: restore the downloaded file`;
  return mapColors({ width, height, data, channels }, file, ids, describeUnknown);
}

/** Turns the colors of pixels into class ids; alpha is left aside. */
function mapColors(
  image: Size & {
    readonly data: Uint8Array | Uint16Array;
    readonly channels: number;
  },
  file: string,
  ids: LabelColors["ids"],
  describeUnknown: (color: Color) => string,
): LabelMap {
  const { width, height, data, channels } = image;
  const label = new Uint8Array(width * height);
  let [lastColor, lastId] = [-1, IGNORE_INDEX]; // neighbors mostly have one color
  for (let i = 0; i < label.length; i++) {
    const at = i * channels;
    const [red, green, blue] = [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0];
    const color = packRgb(red, green, blue);
    if (color !== lastColor) {
      const id = ids.get(color);
      if (id === undefined) {
        throw new RangeError(
          `Cannot use the label "${file}": it holds the color ${red}, ${green}, ${blue} ` +
            `(${placeOf(i, width)}), ${describeUnknown([red, green, blue])}`,
        );
      }
      [lastColor, lastId] = [color, id];
    }
    label[i] = lastId;
  }
  return { width, height, data: label };
}

const placeOf = (i: number, width: number) =>
  `first at row ${Math.floor(i / width)}, column ${i % width}`;

/**
 * Turns values into class ids.
 *
 * @param values Row by row, `step` from one pixel to the next.
 * @param file The label's path, for messages.
 * @param valueName What a value is called in messages.
 * @throws {RangeError} If a value is not in the table.
 */
export function mapLabelValues(
  values: {
    readonly width: number;
    readonly height: number;
    readonly data: Uint8Array | Uint16Array;
    readonly step: number;
  },
  file: string,
  table: LabelLookup,
  valueName: string,
): LabelMap {
  const { width, height, data, step } = values;
  const ids = new Uint8Array(width * height);
  for (let i = 0; i < ids.length; i++) {
    const value = data[i * step] ?? 0;
    const id = table.ids[value] ?? INVALID;
    if (id === INVALID) {
      const hint = isOffset(values, table, value) ? table.offsetHint : table.hint;
      throw new RangeError(
        `Cannot use the label "${file}": it holds the ${valueName} ${value} (${
          placeOf(i, width)
        }), but the allowed values are ${table.allowedValues}: ${hint}`,
      );
    }
    ids[i] = id;
  }
  return { width, height, data: ids };
}

// Whether the values go up to one more than the last class, and no farther.
function isOffset(
  { data, step }: { readonly data: Uint8Array | Uint16Array; readonly step: number },
  { ids, offsetHint }: LabelLookup,
  value: number,
): boolean {
  if (offsetHint === undefined || ids[value - 1] !== value - 1) return false;
  return data.every((one, i) => i % step !== 0 || one <= value || one === IGNORE_INDEX);
}
