/** From pixels to tokens, and from tokens to fewer ones. @module */
import { type Layer, weightOf } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { linear } from "../ops/linear.ts";
import { padToMultiple } from "../ops/pad_to_multiple.ts";
import { convolution } from "./convolution.ts";
import { withImageFilter } from "./image_filter.ts";
import { layerNorm } from "./normalization.ts";
import { parameter, parametersOf } from "./parameter.ts";

/** Channels of an image in RGB. */
const RGB_CHANNELS = 3;

/**
 * One normalized token per square patch of an image; zeros at the bottom and the right
 * complete the last patches.
 *
 * @param name Parameters are `<name>.projection.*` and `<name>.norm.*`.
 * @param patchSize Side of a patch, in pixels.
 * @param imageChannels Channels of the images.
 */
export function patchEmbedding(
  name: string,
  channels: number,
  patchSize: number,
  imageChannels = RGB_CHANNELS,
): Layer {
  const filter = `${name}.projection`;
  const projection = withImageFilter(
    convolution(filter, imageChannels, channels, {
      kernelSize: patchSize,
      stride: patchSize,
      init: "pytorch",
    }),
    `${filter}.weight`,
  );
  const norm = layerNorm(`${name}.norm`, channels);
  return {
    parameters: parametersOf(projection, norm),
    apply(weights, images, context) {
      const patches = projection.apply(
        weights,
        padToMultiple(images, patchSize),
        context,
      );
      return norm.apply(weights, patches, context); // [B, H/patch, W/patch, channels]
    },
  };
}

const CELL = 2;

/**
 * Halves a map and doubles its channels: the four pixels of each 2×2 cell become one of
 * 4C channels, normalized and projected to 2C without bias. An odd last row or column is
 * paired with zeros.
 *
 * The 4C channels are in the order c·4 + row·2 + column, as mmsegmentation's; the authors'
 * own code has another.
 *
 * Source: Liu et al., "Swin Transformer" (ICCV 2021), https://arxiv.org/abs/2103.14030,
 * section 3.1.
 *
 * @param name Parameters are `<name>.norm.*` [4C] and `<name>.reduction.weight`
 * [2C, 4C in PyTorch].
 */
export function patchMerging(name: string, channels: number): Layer {
  const mergedChannels = CELL ** 2 * channels;
  const norm = layerNorm(`${name}.norm`, mergedChannels);
  const reduction = parameter(
    `${name}.reduction.weight`,
    [mergedChannels, 2 * channels],
    "linear",
    { kind: "truncated-normal", std: 0.02 },
  );
  return {
    parameters: [...norm.parameters, reduction],
    apply(weights, input, context) {
      const x = padToMultiple(input, CELL);
      const [B, H, W, C] = x.shape;
      const [rows, cols] = [H / CELL, W / CELL];
      const cells = tf.reshape(x, [B, rows, CELL, cols, CELL, C]);
      const grouped = tf.transpose(cells, [0, 1, 3, 5, 2, 4]); // [B, H/2, W/2, C, 2, 2]
      const merged = tf.reshape<tf.Rank.R4>(grouped, [B, rows, cols, mergedChannels]);
      const normalized = norm.apply(weights, merged, context);
      return linear(normalized, weightOf(weights, reduction)) as tf.Tensor4D; // [B, H/2, W/2, 2C]
    },
  };
}
