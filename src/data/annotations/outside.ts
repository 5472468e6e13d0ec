/** Annotations that reach out of their picture. @module */

import type { Size } from "../../core/host_batch.ts";

/** The largest coordinate in pixels: no picture is as large, and no time is spent beyond. */
export const MAX_COORDINATE = 100_000;

/**
 * Says that annotations reach out of a picture by more than a pixel, and are cut off.
 *
 * @param titles What they are called.
 * @returns Null if there is none.
 */
export function outsideMessage(
  file: string,
  [first, ...others]: readonly string[],
  { width, height }: Size,
): string | null {
  if (first === undefined) return null;
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  const reach = others.length === 0 ? "reaches" : "reach";
  return `The label "${file}" is cut off: ${first}${more} ${reach} out of the picture of ` +
    `${width}×${height} pixels: correct the coordinates, or leave it so`;
}
