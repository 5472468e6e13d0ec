import type * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { blurReference } from "./reference.ts";
import shader from "./separable_blur.wgsl" with { type: "text" };

// As in src/wasm/assembly/augment.ts.
const POSITIONS_PER_ITEM = 16;

const BLUR = defineKernel({
  name: "separableBlur",
  uniforms: { length: "u32", inner: "u32", image: "u32", taps: "u32" },
  inputs: { x: "f32", weights: "f32" },
  outputs: { y: "f32" },
  shader,
  wasm(engine, { x, weights, y }, { length, inner, image, taps }) {
    const arrays = [x.address, weights.address, y.address];
    const lines = x.length / (length * inner);
    const items = lines * Math.ceil(length / POSITIONS_PER_ITEM);
    engine.run("blur", [...arrays, length, inner, image, taps], items);
  },
  reference: blurReference,
});

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
  const [, H, W, C] = images.shape;
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
  const blur = (x: tf.Tensor, weights: tf.Tensor2D, length: number, inner: number) =>
    launch(BLUR, {
      uniforms: { length, inner, image: H * W * C, taps: weights.shape[1] },
      inputs: { x, weights },
      outputs: { y: images.shape },
    }).y;
  const halfway = blur(images, rowWeights, H, W * C);
  const result = blur(halfway, columnWeights, W, C);
  halfway.dispose();
  return result as tf.Tensor4D;
}
