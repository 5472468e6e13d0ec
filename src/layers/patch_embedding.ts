import type { Layer } from "../core/network.ts";
import { padToMultiple } from "../ops/pad_to_multiple.ts";
import { convolution } from "./convolution.ts";
import { layerNorm } from "./layer_norm.ts";
import { parametersOf } from "./parameter.ts";

// LayerNorm's default in PyTorch.
const EPSILON = 1e-5;

/**
 * One normalised token per square patch of an image, which zeros at the bottom and the
 * right fill up to whole patches.
 *
 * @param name Parameters are `<name>.projection.*` and `<name>.norm.*`.
 * @param side Of a patch, in pixels.
 */
export function patchEmbedding(name: string, channels: number, side: number): Layer {
  const projection = convolution(`${name}.projection`, 3, channels, {
    kernel: side,
    stride: side,
    start: "pytorch",
  });
  const norm = layerNorm(`${name}.norm`, channels, EPSILON);
  return {
    parameters: parametersOf(projection, norm),
    apply(weights, images, pass) {
      const patches = projection.apply(weights, padToMultiple(images, side), pass);
      return norm.apply(weights, patches, pass); // [B, H/side, W/side, channels]
    },
  };
}
