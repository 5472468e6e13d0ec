import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import {
  BILINEAR_UNIFORMS,
  type BilinearOptions,
  bilinearSizes,
} from "../bilinear/bilinear.ts";
import bilinear from "../bilinear/bilinear.wgsl" with { type: "text" };
import finite from "../finite.wgsl" with { type: "text" };
import upsampledLogits from "../bilinear/upsampled_logits.wgsl" with { type: "text" };
import { sumAll } from "../sums/sums.ts";
import workgroupSum from "../sums/workgroup_sum.wgsl" with { type: "text" };
import { type ArgmaxConfidence, argmaxConfidence } from "./argmax_confidence.ts";
import { upsampledArgmaxReference } from "./reference.ts";
import { upsampledArgmaxByWasm } from "./wasm.ts";
import shader from "./upsampled_argmax.wgsl" with { type: "text" };

const ON_DEVICE = defineKernel({
  name: "upsampledArgmax",
  uniforms: { ...BILINEAR_UNIFORMS, threshold: "f32" },
  inputs: { logits: "f32" },
  outputs: { labels: "i32", confidence: "f32", counts: "f32" },
  shader: bilinear + finite + upsampledLogits + workgroupSum + shader,
});

const ON_HOST = defineKernel({
  name: "upsampledArgmaxOnHost",
  uniforms: { ...BILINEAR_UNIFORMS, threshold: "f32" },
  inputs: { logits: "f32" },
  outputs: { labels: "i32", confidence: "f32", confidentShare: "f32" },
  wasm: upsampledArgmaxByWasm,
  reference: upsampledArgmaxReference,
});

/** Labels and confidence of each pixel, and how many pixels are confident. */
export interface UpsampledArgmax extends ArgmaxConfidence {
  /** The share of pixels whose confidence is at least the threshold. A scalar. */
  readonly confidentShare: tf.Tensor;
}

/**
 * The most probable class of each pixel of upsampled logits and its probability, in one
 * pass. No gradient.
 *
 * The logits are upsampled as by `resizeBilinear`, but never stored at that size.
 *
 * @param logits [B, h, w, C]
 * @param size Height and width of the results, in pixels.
 * @param threshold 0 … 1
 * @returns Three tensors; the caller owns them.
 */
export function upsampledArgmax(
  logits: tf.Tensor4D,
  size: readonly [number, number],
  threshold: number,
  options: BilinearOptions = {},
): UpsampledArgmax {
  const [B, height, width] = logits.shape;
  const onDevice = tf.getBackend() === "webgpu";
  if (height === size[0] && width === size[1] && onDevice) {
    // Nothing to upsample: there, a simpler kernel is faster.
    return argmaxAtFullSize(logits, threshold);
  }
  const shape = [B, ...size];
  const uniforms = { ...bilinearSizes(logits, size, options), threshold };
  if (!onDevice) {
    return launch(ON_HOST, {
      uniforms,
      inputs: { logits },
      outputs: { labels: shape, confidence: shape, confidentShare: [] },
    });
  }
  const pixels = tf.util.sizeFromShape(shape);
  const { counts, ...argmax } = launch(ON_DEVICE, {
    uniforms,
    inputs: { logits },
    outputs: { labels: shape, confidence: shape, counts: [Math.ceil(pixels / 64)] },
  });
  const confidentShare = sumAll(counts, pixels);
  counts.dispose();
  return { ...argmax, confidentShare };
}

function argmaxAtFullSize(logits: tf.Tensor, threshold: number): UpsampledArgmax {
  return tf.tidy(() => {
    const { labels, confidence } = argmaxConfidence(logits);
    const confident = tf.cast(tf.greaterEqual(confidence, threshold), "float32");
    return { labels, confidence, confidentShare: tf.mean(confident) };
  });
}
