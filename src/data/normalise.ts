/** From 8-bit colours to the numbers a network reads. @module */

import type { Normalisation } from "../core/host_batch.ts";
import type { Size } from "./resize.ts";

/**
 * Writes (colour − mean) / deviation into the top left of a larger picture and leaves the
 * rest alone.
 *
 * @param image Red, green, blue in 0 … 255. [H, W, 3]
 * @param size H and W.
 * @param normalisation Per channel, on the 0 … 255 scale.
 * @param mirrored Whether to swap left and right.
 * @param result Where to write. [·, stride, 3]
 * @param stride Width of `result`, W or more.
 */
export function writeNormalised(
  image: Uint8Array,
  size: Size,
  normalisation: Normalisation,
  mirrored: boolean,
  result: Float32Array,
  stride: number,
): void {
  const { height, width } = size;
  for (let c = 0; c < 3; c++) {
    // 256 possible values: a table rounds each exactly like the division would.
    const table = new Float32Array(256);
    const mean = normalisation.mean[c] ?? 0;
    const deviation = normalisation.deviation[c] ?? 1;
    for (let value = 0; value < 256; value++) table[value] = (value - mean) / deviation;

    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const from = mirrored ? width - 1 - column : column;
        result[(row * stride + column) * 3 + c] =
          table[image[(row * width + from) * 3 + c] ?? 0] ?? 0;
      }
    }
  }
}
