/** Sizes of images on command lines. @module */
import type { Size } from "../../mod.ts";

/**
 * The size that a text names, height first.
 *
 * @throws {RangeError} If it is none.
 */
export function parseImageSize(text: string): Size {
  const [, height = "", width = ""] = /^([1-9]\d{0,4})[x×]([1-9]\d{0,4})$/.exec(text) ??
    [];
  if (height !== "") return { height: Number(height), width: Number(width) };
  throw new RangeError(
    `Cannot use the size "${text}": give height and width in pixels, as 512x1024`,
  );
}
