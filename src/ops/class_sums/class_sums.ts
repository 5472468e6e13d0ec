/** Probabilities and labels, summed up per class over segments of pixels. @module */
import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { channelsOf } from "../map_sizes.ts";
import blockSum from "../sums/block_sum.wgsl" with { type: "text" };
import countsShader from "./counts.wgsl" with { type: "text" };
import {
  classCountsReference,
  classSumsGradientReference,
  classSumsReference,
} from "./reference.ts";
import sumsShader from "./sums.wgsl" with { type: "text" };
import gradientShader from "./sums_gradient.wgsl" with { type: "text" };

const SUMS = defineKernel({
  name: "classSums",
  uniforms: { classes: "u32", pixels: "u32", tiles: "u32", tilePixels: "u32" },
  inputs: { probabilities: "f32", labels: "i32" },
  outputs: { sums: "f32" },
  shader: blockSum + sumsShader,
  reference: classSumsReference,
});

const SUMS_GRADIENT = defineKernel({
  name: "classSumsGradient",
  uniforms: { classes: "u32", pixels: "u32" },
  inputs: { dy: "f32", labels: "i32" },
  outputs: { gradient: "f32" },
  shader: gradientShader,
  reference: classSumsGradientReference,
});

const COUNTS = defineKernel({
  name: "classCounts",
  uniforms: { classes: "u32", pixels: "u32" },
  inputs: { labels: "i32" },
  outputs: { counts: "f32" },
  shader: countsShader,
  reference: classCountsReference,
});

/**
 * Sums of probabilities per class: over all labeled pixels of a segment, and over those of
 * the class itself.
 *
 * @param probabilities [S, P, C]
 * @param labels int32, 0 … C − 1; anything else (255) is not counted. [S, P]
 * @returns [S, 2, C]; the caller owns it.
 */
export function classSums(probabilities: tf.Tensor, labels: tf.Tensor): tf.Tensor3D {
  const classes = channelsOf(probabilities);
  const [segments = 1, pixels = 0] = labels.shape;
  // As many tiles as pixels in one, so that neither sum is long.
  const tilePixels = Math.max(64, Math.ceil(Math.sqrt(pixels)));
  const tiles = Math.ceil(pixels / tilePixels);
  return tf.differentiable<tf.Tensor3D>(
    { probabilities },
    (save) => {
      save([labels]);
      const { sums } = launch(SUMS, {
        uniforms: { classes, pixels, tiles, tilePixels },
        inputs: { probabilities, labels },
        outputs: { sums: [segments, tiles, 2, classes] },
        invocations: segments * tiles * classes,
      });
      const sum = tf.sum(sums, 1);
      sums.dispose();
      return sum;
    },
    (dy, saved) => ({
      probabilities: () => {
        const [labels] = saved as [tf.Tensor];
        return launch(SUMS_GRADIENT, {
          uniforms: { classes, pixels },
          inputs: { dy, labels },
          outputs: { gradient: probabilities.shape },
        }).gradient;
      },
    }),
  );
}

/**
 * How many pixels of a segment have each label. No gradient.
 *
 * @param labels int32. [S, P]
 * @param classes C
 * @returns [S, C]; the caller owns it.
 */
export function classCounts(labels: tf.Tensor, classes: number): tf.Tensor2D {
  const [segments = 1, pixels = 0] = labels.shape;
  return launch(COUNTS, {
    uniforms: { classes, pixels },
    inputs: { labels },
    outputs: { counts: [segments, classes] },
    invocations: 64 * segments * classes,
  }).counts as tf.Tensor2D;
}
