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
}

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
  ids[IGNORED] = IGNORED;
  if (map === null) {
    for (let id = 0; id < classes.length; id++) ids[id] = id;
    return { ids, allowed: `0 … ${classes.length - 1} and ${IGNORED} (ignored)` };
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
  return { ids, allowed: `those of "labels" (${values.join(", ")})` };
}

/**
 * Decodes a label file: an 8-bit grey or palette PNG, whose grey value or palette index is
 * looked up in the table.
 *
 * @param file Its path, for messages.
 * @throws {SyntaxError} If it is no PNG, or one with colours or 16 bits.
 * @throws {RangeError} If it holds a value that is not in the table.
 */
export function decodeLabel(
  bytes: Uint8Array,
  file: string,
  table: LabelTable,
): LabelMap {
  const { width, height, channels, depth, data, palette } = decodePng(bytes, file);
  if (channels !== 1 || depth > 8) {
    const found = `${depth}-bit ${
      ["", "grey", "grey and alpha", "RGB", "RGBA"][channels]
    }`;
    throw new SyntaxError(
      `Cannot read the label "${file}": its pixels are ${found}, but labels are 8-bit ` +
        `grey or palette PNGs whose values are class ids: convert it first`,
    );
  }
  // A grey sample of fewer bits is a number all the same: no scaling to 0 … 255.
  const ids = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const value = data[i] ?? 0;
    const id = table.ids[value] ?? UNKNOWN;
    if (id === UNKNOWN) {
      const kind = palette === null ? "value" : "palette index";
      throw new RangeError(
        `Cannot use the label "${file}": it holds the ${kind} ${value} (first at row ` +
          `${Math.floor(i / width)}, column ${i % width}), but the allowed values are ` +
          `${table.allowed}: correct "classes" or map the values in "labels"`,
      );
    }
    ids[i] = id;
  }
  return { width, height, data: ids };
}
