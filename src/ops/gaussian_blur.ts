import type * as tf from "../core/tf.ts";
import { blurAlong } from "../kernels/gaussian_blur/mod.ts";

/**
 * Separable blur, one pair of filters per sample, reflecting at borders without repeating
 * the outermost pixel. No gradient.
 *
 * @param images [B, H, W, C]
 * @param rowWeights Filters along the height, of odd length. [B, KH]
 * @param columnWeights Filters along the width, of odd length. [B, KW]
 * @returns Like the images; the caller owns it.
 * @throws {RangeError} If a filter reaches beyond the mirrored image.
 */
export function separableBlur(
  images: tf.Tensor4D,
  rowWeights: tf.Tensor2D,
  columnWeights: tf.Tensor2D,
): tf.Tensor4D {
  const [, H, W] = images.shape;
  for (
    const [side, [, taps]] of [[H, rowWeights.shape], [W, columnWeights.shape]] as const
  ) {
    if (taps % 2 !== 1 || (taps - 1) / 2 >= side) {
      throw new RangeError(
        `Cannot blur ${side} pixels with a filter of ${taps}: its length must be odd and ` +
          `below ${2 * side}`,
      );
    }
  }
  const halfway = blurAlong("rows", images, rowWeights);
  const result = blurAlong("columns", halfway, columnWeights);
  halfway.dispose();
  return result;
}
