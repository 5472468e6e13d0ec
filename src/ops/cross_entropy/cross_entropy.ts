import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { channelsOf } from "../map_sizes.ts";
import { rowItems } from "../wasm_items.ts";
import finite from "../finite.wgsl" with { type: "text" };
import shader from "./cross_entropy.wgsl" with { type: "text" };
import gradientShader from "./cross_entropy_gradient.wgsl" with { type: "text" };
import { crossEntropyGradientReference, crossEntropyReference } from "./reference.ts";
import softmax from "../softmax.wgsl" with { type: "text" };

const FORWARD = defineKernel({
  name: "crossEntropy",
  uniforms: { classes: "u32" },
  inputs: { logits: "f32", labels: "i32" },
  outputs: { loss: "f32" },
  shader: finite + softmax + shader,
  wasm(engine, { logits, labels, loss }, { classes }) {
    const rows = labels.length;
    const args = [logits.address, labels.address, rows, classes, loss.address];
    engine.run("crossEntropy", args, rowItems(rows));
  },
  reference: crossEntropyReference,
});

const GRADIENT = defineKernel({
  name: "crossEntropyGradient",
  uniforms: { classes: "u32" },
  inputs: { logits: "f32", labels: "i32", dy: "f32" },
  outputs: { gradient: "f32" },
  shader: softmax + gradientShader,
  wasm(engine, { logits, labels, dy, gradient }, { classes }) {
    const inputs = [logits.address, labels.address, dy.address];
    const args = [...inputs, labels.length, classes, gradient.address];
    engine.run("crossEntropyGradient", args, rowItems(labels.length));
  },
  reference: crossEntropyGradientReference,
});

/**
 * Softmax cross entropy of each pixel.
 *
 * loss[r] = log Σ_c exp(z[r, c]) − z[r, label[r]], and 0 where the label is no class.
 *
 * @param logits [B, H, W, C]
 * @param labels int32, 0 … C − 1; anything else (255) is ignored. [B, H, W]
 * @returns [B, H, W]; the caller owns it.
 */
export function softmaxCrossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
): tf.Tensor {
  const uniforms = { classes: channelsOf(logits) };
  return tf.differentiable(
    { logits },
    (save) => {
      save([logits, labels]);
      const inputs = { logits, labels };
      return launch(FORWARD, { uniforms, inputs, outputs: { loss: labels.shape } }).loss;
    },
    (dy, saved) => ({
      logits: () => {
        const [logits, labels] = saved as [tf.Tensor, tf.Tensor];
        return launch(GRADIENT, {
          uniforms,
          inputs: { logits, labels, dy },
          outputs: { gradient: logits.shape },
          invocations: labels.size,
        }).gradient;
      },
    }),
  );
}
