/** TIFF files of any number of channels, not compressed, for tests. @module */

import type { Pixels } from "../../src/core/host_batch.ts";

/** A tag: its number, the bytes of a value, and the values. */
type Tag = readonly [number: number, bytes: 2 | 4, values: readonly number[]];

/**
 * Writes a TIFF of one strip.
 *
 * @param image `data` is [H, W, channels]; `tags` replace those of their numbers.
 */
export function encodeTiff(
  { width, height, channels, data, tags = [] }: {
    readonly width: number;
    readonly height: number;
    readonly channels: number;
    readonly data: Pixels;
    readonly tags?: readonly Tag[];
  },
): Uint8Array {
  const repeated = (value: number) => Array<number>(channels).fill(value);
  const bits = 8 * data.BYTES_PER_ELEMENT;
  const all = new Map<number, Tag>();
  const usual: Tag[] = [
    [256, 4, [width]],
    [257, 4, [height]],
    [258, 2, repeated(bits)],
    [259, 2, [1]],
    [262, 2, [channels === 3 ? 2 : 1]],
    [273, 4, [8]],
    [277, 2, [channels]],
    [278, 4, [height]],
    [279, 4, [data.byteLength]],
  ];
  for (const tag of [...usual, ...tags]) all.set(tag[0], tag);
  const sorted = [...all.values()].sort(([a], [b]) => a - b);
  const directory = 8 + data.byteLength + data.byteLength % 2;
  const values = directory + 2 + 12 * sorted.length + 4;
  const size = sorted.reduce(
    (sum, [, bytes, list]) => sum + Math.max(4, bytes * list.length),
    values,
  );
  const file = new Uint8Array(size);
  const view = new DataView(file.buffer);
  view.setUint32(0, 0x49492a00);
  view.setUint32(4, directory, true);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 8);
  view.setUint16(directory, sorted.length, true);
  let free = values;
  for (const [i, [number, bytes, list]] of sorted.entries()) {
    const at = directory + 2 + 12 * i;
    view.setUint16(at, number, true);
    view.setUint16(at + 2, bytes === 2 ? 3 : 4, true);
    view.setUint32(at + 4, list.length, true);
    const isInline = bytes * list.length <= 4;
    if (!isInline) view.setUint32(at + 8, free, true);
    for (const [k, value] of list.entries()) {
      const to = (isInline ? at + 8 : free) + bytes * k;
      if (bytes === 2) view.setUint16(to, value, true);
      else view.setUint32(to, value, true);
    }
    if (!isInline) free += bytes * list.length;
  }
  return file;
}
