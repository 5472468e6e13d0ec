/** From the colours of a label file to class ids, strictly. @module */

import { IGNORED } from "../core/host_batch.ts";
import { decodePng } from "../core/png.ts";
import type { LabelMap } from "./data_set.ts";

type Color = readonly [number, number, number];

const key = (red: number, green: number, blue: number) =>
  (red << 16) | (green << 8) | blue;

/**
 * Decodes an 8-bit RGB label whose colours stand for classes.
 *
 * @param file Its path, for messages.
 * @param title Of the data set, for messages.
 * @param colors The colours of each class, in the order of their ids.
 * @param ignored Colours that stand for none.
 * @throws {SyntaxError} If it is no PNG, or one of another form.
 * @throws {RangeError} If it holds another colour.
 */
export function decodeColors(
  bytes: Uint8Array,
  file: string,
  title: string,
  colors: readonly (readonly Color[])[],
  ignored: readonly Color[],
): LabelMap {
  const { width, height, channels, depth, data } = decodePng(bytes, file);
  if (channels < 3 || depth !== 8) {
    throw new SyntaxError(
      `Cannot read the label "${file}": labels of ${title} are 8-bit RGB PNGs, and this ` +
        `has ${channels} channels of ${depth} bits: put back the file that was downloaded`,
    );
  }
  const ids = new Map<number, number>(ignored.map((color) => [key(...color), IGNORED]));
  for (const [id, own] of colors.entries()) {
    for (const color of own) ids.set(key(...color), id);
  }
  const label = new Uint8Array(width * height);
  for (let i = 0; i < label.length; i++) {
    const at = i * channels;
    const [red, green, blue] = [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0];
    const id = ids.get(key(red, green, blue));
    if (id === undefined) {
      throw new RangeError(
        `Cannot use the label "${file}": it holds the colour ${red}, ${green}, ${blue} ` +
          `(first at row ${Math.floor(i / width)}, column ${i % width}), which is none ` +
          `of ${title}: put back the file that was downloaded`,
      );
    }
    label[i] = id;
  }
  return { width, height, data: label };
}
