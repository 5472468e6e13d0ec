/** From labels to the weights of their classes. No gradient. @module */
import type * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import shader from "./label_weights.wgsl" with { type: "text" };
import { labelWeightsReference } from "./reference.ts";

const LABEL_WEIGHTS = defineKernel({
  name: "labelWeights",
  uniforms: { classes: "u32" },
  inputs: { labels: "i32", classWeights: "f32" },
  outputs: { weights: "f32" },
  shader,
  reference: labelWeightsReference,
});

/**
 * The weight of the class of every label.
 *
 * @param labels int32, 0 … C − 1; anything else (255) has weight 0.
 * @param classWeights [C]
 * @returns Like the labels; the caller owns it.
 */
export function labelWeights(labels: tf.Tensor, classWeights: tf.Tensor): tf.Tensor {
  return launch(LABEL_WEIGHTS, {
    uniforms: { classes: classWeights.size },
    inputs: { labels, classWeights },
    outputs: { weights: labels.shape },
  }).weights;
}
