import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { channelsOf } from "../map_sizes.ts";
import finite from "../finite.wgsl" with { type: "text" };
import softmax from "../softmax.wgsl" with { type: "text" };
import terms from "./focal_terms.wgsl" with { type: "text" };
import forwardShader from "./forward.wgsl" with { type: "text" };
import gradientShader from "./gradient.wgsl" with { type: "text" };
import {
  focalCrossEntropyGradientReference,
  focalCrossEntropyReference,
} from "./reference.ts";

const UNIFORMS = { classes: "u32", gamma: "f32", labelSmoothing: "f32" } as const;
const INPUTS = { logits: "f32", labels: "i32", classWeights: "f32" } as const;

const FORWARD = defineKernel({
  name: "focalCrossEntropy",
  uniforms: UNIFORMS,
  inputs: INPUTS,
  outputs: { loss: "f32" },
  shader: finite + softmax + terms + forwardShader,
  reference: focalCrossEntropyReference,
});

const GRADIENT = defineKernel({
  name: "focalCrossEntropyGradient",
  uniforms: UNIFORMS,
  inputs: { ...INPUTS, dy: "f32" },
  outputs: { gradient: "f32" },
  shader: softmax + terms + gradientShader,
  reference: focalCrossEntropyGradientReference,
});

/** Which cross entropy it is. */
export interface FocalOptions {
  /** γ: how much less pixels count whose class is already probable; 0: not at all. */
  readonly gamma: number;
  /** ε, 0 … 1. */
  readonly labelSmoothing: number;
  /** w, without gradient. [C] */
  readonly classWeights: tf.Tensor;
}

/**
 * Cross entropy of each pixel with smoothed labels, class weights and a focal factor.
 *
 * loss[r] = −Σ_c t_c · (1 − p_c)^γ · log p_c, p = softmax(z[r]),
 * t_c = w_c · ((1 − ε) · [c = label] + ε / C), and 0 where the label is no class.
 *
 * At γ = 0 it is what PyTorch's `cross_entropy` sums up; at ε = 0 the focal loss with α = w.
 *
 * @param logits [B, H, W, C]
 * @param labels int32, 0 … C − 1; anything else (255) is ignored. [B, H, W]
 * @returns [B, H, W]; the caller owns it.
 */
export function focalCrossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
  { gamma, labelSmoothing, classWeights }: FocalOptions,
): tf.Tensor {
  const uniforms = { classes: channelsOf(logits), gamma, labelSmoothing };
  return tf.differentiable(
    { logits },
    (save) => {
      save([logits, labels, classWeights]);
      const inputs = { logits, labels, classWeights };
      return launch(FORWARD, { uniforms, inputs, outputs: { loss: labels.shape } }).loss;
    },
    (dy, saved) => ({
      logits: () => {
        const [logits, labels, classWeights] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        return launch(GRADIENT, {
          uniforms,
          inputs: { logits, labels, classWeights, dy },
          outputs: { gradient: logits.shape },
          invocations: labels.size,
        }).gradient;
      },
    }),
  );
}
