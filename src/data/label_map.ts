/** From the values in a label file to class ids, strictly. @module */

import { type ClassInfo, IGNORED } from "../core/host_batch.ts";
import { decodePng } from "../core/png.ts";
import type { LabelMap } from "./data_set.ts";

/** Marks values that a file must not hold. */
const UNKNOWN = -1;

/** What each of the 256 values of a label file stands for. */
export interface LabelTable {
  /** Class id, {@linkcode IGNORED}, or −1 for values that are an error. [256] */
  readonly ids: Int16Array;
  /** The allowed values, for the message. */
  readonly allowed: string;
  /** What to do about another one, for the message. */
  readonly cure: string;
}

/** How a label file holds its values. */
export interface LabelForm {
  /** For messages, with what to do about another form. */
  readonly expected: string;
  /** Where the value of a pixel is: in its only channel, or in the red one of colours. */
  readonly channel: "only" | "red";
  /** Bits per sample. */
  readonly depths: readonly number[];
  /** Whether the values may be indices into a palette. */
  readonly palette: "any" | "none";
}

/** Class ids or what is mapped to them, as this project's own folders have it. */
export const INDEX_FORM: LabelForm = {
  expected: "labels are 8-bit grey or palette PNGs whose values are class ids: " +
    "convert it first",
  channel: "only",
  depths: [1, 2, 4, 8],
  palette: "any",
};

/**
 * Builds the table of a data set. 255 is ignored unless the map says otherwise.
 *
 * @param classes Index = class id.
 * @param map From file value to class id or 255; null if values are class ids.
 * @throws {RangeError} If the map has a key or a value out of range.
 */
export function labelTable(
  classes: readonly ClassInfo[],
  map: Readonly<Record<string, number>> | null,
): LabelTable {
  const ids = new Int16Array(256).fill(UNKNOWN);
  const cure = 'correct "classes" or map the values in "labels"';
  ids[IGNORED] = IGNORED;
  if (map === null) {
    for (let id = 0; id < classes.length; id++) ids[id] = id;
    return { ids, allowed: `0 … ${classes.length - 1} and ${IGNORED} (ignored)`, cure };
  }
  for (const [key, id] of Object.entries(map)) {
    const value = Number(key);
    if (!/^\d+$/.test(key) || value > 255) {
      throw new RangeError(
        `Cannot map labels: "labels" has the key "${key}", but a value in an 8-bit file ` +
          `is a whole number of 0 … 255`,
      );
    }
    if (id !== IGNORED && !(Number.isInteger(id) && id >= 0 && id < classes.length)) {
      throw new RangeError(
        `Cannot map labels: "labels" maps ${value} to ${id}, but there are ` +
          `${classes.length} classes: use 0 … ${
            classes.length - 1
          }, or ${IGNORED} to ignore`,
      );
    }
    ids[value] = id;
  }
  const values = [...ids.keys()].filter((value) => ids[value] !== UNKNOWN);
  return { ids, allowed: `those of "labels" (${values.join(", ")})`, cure };
}

/**
 * Decodes a label file: a PNG whose grey value, palette index or red value is looked up in
 * the table.
 *
 * @param file Its path, for messages.
 * @throws {SyntaxError} If it is no PNG, or one of another form.
 * @throws {RangeError} If it holds a value that is not in the table.
 */
export function decodeLabel(
  bytes: Uint8Array,
  file: string,
  table: LabelTable,
  form: LabelForm = INDEX_FORM,
): LabelMap {
  const { width, height, channels, depth, data, palette } = decodePng(bytes, file);
  const isColored = channels >= 3;
  if (
    isColored !== (form.channel === "red") || channels === 2 ||
    !form.depths.includes(depth) || (palette !== null && form.palette === "none")
  ) {
    const found = palette === null
      ? `${depth}-bit ${["", "grey", "grey and alpha", "RGB", "RGBA"][channels]}`
      : "indices of a palette";
    throw new SyntaxError(
      `Cannot read the label "${file}": its pixels are ${found}, but ${form.expected}`,
    );
  }
  // A grey sample of fewer bits is a number all the same: no scaling to 0 … 255.
  const kind = palette !== null ? "palette index" : isColored ? "red value" : "value";
  return lookUp({ width, height, data, step: channels }, file, table, kind);
}

/**
 * Turns values into class ids.
 *
 * @param values Row by row, `step` from one pixel to the next.
 * @param file The label's path, for messages.
 * @param kind What a value is called in messages.
 * @throws {RangeError} If a value is not in the table.
 */
export function lookUp(
  values: {
    readonly width: number;
    readonly height: number;
    readonly data: Uint8Array | Uint16Array;
    readonly step: number;
  },
  file: string,
  table: LabelTable,
  kind: string,
): LabelMap {
  const { width, height, data, step } = values;
  const ids = new Uint8Array(width * height);
  for (let i = 0; i < ids.length; i++) {
    const value = data[i * step] ?? 0;
    const id = table.ids[value] ?? UNKNOWN;
    if (id === UNKNOWN) {
      throw new RangeError(
        `Cannot use the label "${file}": it holds the ${kind} ${value} (first at row ` +
          `${Math.floor(i / width)}, column ${i % width}), but the allowed values are ` +
          `${table.allowed}: ${table.cure}`,
      );
    }
    ids[i] = id;
  }
  return { width, height, data: ids };
}
