/** Pixels of any number of channels and bits, as a picture to look at. @module */

import {
  describeFormat,
  isRgbFormat,
  type PixelFormat,
  type Pixels,
} from "../core/host_batch.ts";

/** Shares of the values of a 16-bit picture that become black and white. */
const CUT_OFF = 0.02;

/**
 * Red, green and blue of 0 … 255 to show of pixels: the first three channels, or the first
 * one as gray where there are fewer. 16-bit values are stretched, so that 2 % of those of
 * the picture are black and 2 % white: sensors rarely fill their range.
 *
 * @param image [H, W, C]
 * @param channels C
 * @returns [H, W, 3]; 8-bit RGB as it is.
 */
export function displayRgb(image: Pixels, channels: number): Uint8Array {
  if (channels === 3 && image instanceof Uint8Array) return image;
  const shown = channels < 3 ? [0, 0, 0] : [0, 1, 2];
  const pixels = image.length / channels;
  const valueAt = (i: number) =>
    image[Math.floor(i / 3) * channels + (shown[i % 3] ?? 0)] ?? 0;
  const rgb = new Uint8Array(3 * pixels);
  const [black, white] = image instanceof Uint8Array
    ? [0, 255]
    : stretchRange(rgb.length, valueAt);
  const scale = 255 / Math.max(1, white - black);
  for (let i = 0; i < rgb.length; i++) {
    rgb[i] = Math.min(255, Math.max(0, Math.round((valueAt(i) - black) * scale)));
  }
  return rgb;
}

/** Says how images are shown that are not RGB of 8 bits; null: as they are. */
export function displayNote(format: PixelFormat): string | null {
  if (isRgbFormat(format)) return null;
  const { channels, bitDepth } = format;
  const shown = channels < 3
    ? "the first as gray"
    : "the first three as red, green and blue";
  const stretched = bitDepth === 16
    ? ", stretched so that 2 % of the values are black and 2 % white"
    : "";
  return `images of ${describeFormat(format)}: pictures show ${shown}${stretched}`;
}

/** The values below and above which there are 2 % each. */
function stretchRange(
  count: number,
  valueAt: (i: number) => number,
): [black: number, white: number] {
  const histogram = new Uint32Array(1 << 16);
  for (let i = 0; i < count; i++) {
    const value = valueAt(i);
    histogram[value] = (histogram[value] ?? 0) + 1;
  }
  const valueAbove = (share: number) => {
    let below = 0;
    return histogram.findIndex((pixels) => (below += pixels) > share * (count - 1));
  };
  return [valueAbove(CUT_OFF), valueAbove(1 - CUT_OFF)];
}
