/** A picture file, for prediction. @module */
import { readFile } from "node:fs/promises";
import type { RgbImage } from "../core/image_codec.ts";
import { readError } from "../core/read_error.ts";

/**
 * Reads a JPEG, a PNG or what else libvips knows, as 8-bit RGB.
 *
 * @throws {Error} If there is no such file, or it may not be read.
 * @throws {SyntaxError} If it is no picture or is cut short.
 */
export async function readPicture(path: string): Promise<RgbImage> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw readError(path, error);
  }
  // Loaded on demand: nothing else needs the image library's permissions.
  const { decodeImage } = await import("../core/image_codec.ts");
  return await decodeImage(bytes, path);
}
