/** Pictures of a page: decoded by the browser. @module */
import type { Size } from "../core/host_batch.ts";
import type { RgbImage } from "../formats/image_codec.ts";

/** How a picture is decoded. */
export interface PictureOptions {
  /**
   * Where it comes from, for messages.
   *
   * @default {"picture"}
   */
  readonly name?: string;
  /**
   * Pixels of the largest picture that is taken as it is: a label map and its logits take
   * some hundred bytes for each.
   *
   * @default {2 ** 21}, 1920×1080 and a little more
   */
  readonly maxPixels?: number;
  /**
   * Whether a larger picture is scaled down to that, rather than refused.
   *
   * @default {false}
   */
  readonly scaleDown?: boolean;
}

/** A decoded picture. */
export interface Picture extends RgbImage {
  /** Before it was scaled down, if it was. */
  readonly originalSize: Size;
}

/** Pixels of the largest picture that is taken unless another limit is given. */
const MAX_PIXELS = 2 ** 21;

/** The longest side of a canvas in all browsers. */
const MAX_SIDE = 16_384;

// Deno's types have no pixels of a canvas.
interface Pixels {
  imageSmoothingQuality: "low" | "medium" | "high";
  drawImage(image: ImageBitmap, x: number, y: number, w: number, h: number): void;
  getImageData(x: number, y: number, w: number, h: number): ImageData;
}

/**
 * Decodes a picture as 8-bit RGB. As in `readImage`, an EXIF orientation is applied, a
 * color profile is ignored and transparency is dropped; but a pixel that is fully
 * transparent becomes black, since browsers do not tell its color.
 *
 * @param source A file, or a frame of a camera; a frame is closed.
 * @throws {SyntaxError} If the browser cannot decode it.
 * @throws {RangeError} If it is too large and is not to be scaled down.
 */
export async function pictureFrom(
  source: Blob | ImageBitmap,
  { name = "picture", maxPixels = MAX_PIXELS, scaleDown = false }: PictureOptions = {},
): Promise<Picture> {
  const bitmap = source instanceof ImageBitmap ? source : await decode(source, name);
  const originalSize = { width: bitmap.width, height: bitmap.height };
  try {
    const size = fittingSize(originalSize, maxPixels);
    if (size !== originalSize && !scaleDown) {
      throw new RangeError(
        `Cannot label "${name}": it has ${
          formatSize(originalSize)
        } pixels and the limit ` +
          `is ${(maxPixels / 1e6).toFixed(1)} million, ${MAX_SIDE} on a side; scale it ` +
          `down to ${formatSize(size)} or less`,
      );
    }
    return { ...size, originalSize, data: rgbOf(bitmap, size) };
  } finally {
    bitmap.close();
  }
}

async function decode(file: Blob, name: string): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch (error) {
    throw new SyntaxError(
      `Cannot read "${name}" as an image: the browser cannot decode it; is it a complete ` +
        "JPEG, PNG or WebP file?",
      { cause: error },
    );
  }
}

function rgbOf(bitmap: ImageBitmap, { width, height }: Size): Uint8Array {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", {
    willReadFrequently: true,
  }) as unknown as Pixels;
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  const { data: rgba } = context.getImageData(0, 0, width, height);
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = rgba[4 * i + c] ?? 0;
  }
  return rgb;
}

/** The size itself, or the largest one of its shape that fits. */
export function fittingSize(size: Size, maxPixels: number): Size {
  const { width, height } = size;
  const longSide = Math.max(width, height);
  const ratio = Math.min(Math.sqrt(maxPixels / (width * height)), MAX_SIDE / longSide);
  if (ratio >= 1) return size;
  const scaled = (side: number) => Math.max(1, Math.floor(side * ratio));
  return { width: scaled(width), height: scaled(height) };
}

const formatSize = ({ width, height }: Size) => `${width}×${height}`;
