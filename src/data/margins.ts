/** Margins of images, and what they leave of a crop. @module */
import type { Box, Size } from "../core/host_batch.ts";
import type { CropWindow } from "./class_counts.ts";

/** Shares of an image's height or width. */
export interface Margins {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/**
 * The pixels of a crop that lie in its image without the image's margins: padding does not.
 *
 * A margin has whole pixels of the image, rounded down, and scales with it: a pixel of the
 * scaled image is that of the image at its center.
 *
 * @param crop How it was made.
 */
export function boxWithoutMargins(
  { top, bottom, left, right }: Margins,
  { image, scaled, window, flipped }: {
    /** The size of the image. */
    readonly image: Size;
    /** Its size when it was cropped. */
    readonly scaled: Size;
    /** Where the crop is in the scaled image. */
    readonly window: CropWindow;
    /** Whether left and right were swapped. */
    readonly flipped: boolean;
  },
): Box {
  const range = (side: "height" | "width", before: number, after: number, at: number) => {
    const size = image[side];
    const edge = (pixel: number) => {
      const inCrop = Math.ceil(pixel * scaled[side] / size - 1 / 2) - at;
      return Math.min(Math.max(inCrop, 0), window[side]);
    };
    const first = edge(Math.floor(before * size));
    const end = edge(size - Math.floor(after * size));
    return { first, length: Math.max(end - first, 0) };
  };
  const rows = range("height", top, bottom, window.top);
  const columns = range("width", left, right, window.left);
  return {
    top: rows.first,
    left: flipped ? window.width - columns.first - columns.length : columns.first,
    height: rows.length,
    width: columns.length,
  };
}
