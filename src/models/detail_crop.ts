/**
 * Crops whose place is drawn in the middle of a forward pass: cut out of images and labels,
 * and put back where they were.
 *
 * The place is a host input, so that a replayed pass draws its own.
 *
 * @module
 */
import type { Size } from "../core/host_batch.ts";
import {
  type HostInput,
  hostInput,
  mapHostInput,
  uploadHostInput,
} from "../core/host_input.ts";
import { deriveRngKey, type RngKey } from "../core/network.ts";
import { createRandom } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { gatherRows } from "../ops/gather_rows/gather_rows.ts";

/** The corner of a crop, in pixels of the images. */
export interface CropCorner {
  readonly top: number;
  readonly left: number;
}

/**
 * Draws the place of the crop of all images of a pass, micro-batches included.
 *
 * @param crop Not larger than the images.
 * @param divisor Of both coordinates, in pixels.
 */
export function drawCropCorner(
  images: Size,
  crop: Size,
  divisor: number,
  rngKey: RngKey,
): HostInput<CropCorner> {
  const { seed, stream } = deriveRngKey(rngKey, "detail-crop");
  return hostInput({ forwardIndex: rngKey.iteration }, ({ forwardIndex }) => {
    const random = createRandom(seed, stream, forwardIndex);
    const draw = (margin: number) =>
      divisor * random.integer(Math.floor(margin / divisor) + 1);
    return {
      top: draw(images.height - crop.height),
      left: draw(images.width - crop.width),
    };
  });
}

/** Cuts a crop out of maps, of the size of the images. [B, H, W, C] */
export function cutCrop(
  maps: tf.Tensor4D,
  crop: Size,
  corner: HostInput<CropCorner>,
): tf.Tensor4D {
  return readWindow(maps, crop, corner);
}

/** Cuts a crop out of labels or weights, of the size of the images. [B, H, W] */
export function cutLabelCrop(
  labels: tf.Tensor,
  crop: Size,
  corner: HostInput<CropCorner>,
): tf.Tensor {
  const [B = 0, H = 0, W = 0] = labels.shape;
  return tf.tidy(() => {
    const maps = tf.reshape<tf.Rank.R4>(tf.cast(labels, "float32"), [B, H, W, 1]);
    const cut = tf.reshape(cutCrop(maps, crop, corner), [B, crop.height, crop.width]);
    return tf.cast(cut, labels.dtype);
  });
}

/**
 * Puts the map of a crop where the crop was, and 0 elsewhere.
 *
 * @param crops The map of a crop. [B, h, w, C]
 * @param size That of the result.
 * @param scale Pixels of the result per pixel of the images, along either side.
 * @returns [B, size.height, size.width, C]; the caller owns it.
 */
export function insertCrop(
  crops: tf.Tensor4D,
  size: Size,
  corner: HostInput<CropCorner>,
  scale: Size,
): tf.Tensor4D {
  const shifted = mapHostInput(corner, ({ top, left }) => ({
    top: -Math.round(top * scale.height),
    left: -Math.round(left * scale.width),
  }));
  return readWindow(crops, size, shifted as HostInput<CropCorner>);
}

/** The values in a window, which may reach beyond the maps; they are 0 there. */
function readWindow(
  maps: tf.Tensor4D,
  window: Size,
  corner: HostInput<CropCorner>,
): tf.Tensor4D {
  const [B, H, W, C] = maps.shape;
  const { height, width } = window;
  return tf.tidy(() => {
    const index = uploadHostInput<tf.Rank.R2>(
      mapHostInput(corner, (corner) => windowIndex([B, H, W], window, corner)),
      [B * height * width, 1],
      "int32",
    );
    const pixels = gatherRows(tf.reshape(maps, [B * H * W, C]), index);
    return tf.reshape(pixels, [B, height, width, C]);
  });
}

/** The index of every pixel of a window among those of the maps; −1 outside. */
function windowIndex(
  [B, H, W]: readonly [number, number, number],
  { height, width }: Size,
  { top, left }: CropCorner,
): Int32Array<ArrayBuffer> {
  const index = new Int32Array(B * height * width).fill(-1);
  const [firstRow, lastRow] = [Math.max(0, -top), Math.min(height, H - top)];
  const [firstColumn, lastColumn] = [Math.max(0, -left), Math.min(width, W - left)];
  for (let b = 0; b < B; b++) {
    for (let row = firstRow; row < lastRow; row++) {
      const from = (b * H + row + top) * W + left;
      const to = (b * height + row) * width;
      for (let column = firstColumn; column < lastColumn; column++) {
        index[to + column] = from + column;
      }
    }
  }
  return index;
}
