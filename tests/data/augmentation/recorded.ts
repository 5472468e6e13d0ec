/** Small pictures, and what torchvision made of them. @module */
import type { Pixels } from "../../../src/core/host_batch.ts";
import recorded from "./recorded.json" with { type: "json" };

/** See its `source`. */
export { recorded };

/** The size of the pictures. */
export const SIZE = { height: recorded.height, width: recorded.width };

/** The picture of which results were recorded. [H, W, C] */
export function picture({ channels, bits }: { channels: number; bits: number }): Pixels {
  const length = SIZE.height * SIZE.width * channels;
  const valueAt = (i: number) => (i * 7919 + (i * i) % 251 * 613) % 2 ** bits;
  const values = Array.from({ length }, (_, i) => valueAt(i));
  return bits === 16 ? Uint16Array.from(values) : Uint8Array.from(values);
}

/** Recorded values. */
export function decoded(base64: string, bits = 8): Pixels {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return bits === 16 ? new Uint16Array(bytes.buffer) : bytes;
}

/** The largest difference of values at the same places. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  return Array.from(a).reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? 0))),
    0,
  );
}
