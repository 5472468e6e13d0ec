/** Pasting pixels of one domain into another, on the device. @module */
import type * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { elementItems } from "../wasm_items.ts";
import imagesShader from "./images.wgsl" with { type: "text" };
import labelsShader from "./labels.wgsl" with { type: "text" };
import maskShader from "./mask.wgsl" with { type: "text" };
import {
  classMaskReference,
  LABEL_VALUES,
  pasteImagesReference,
  pasteLabelsReference,
} from "./reference.ts";

export { LABEL_VALUES } from "./reference.ts";

const CLASS_MASK = defineKernel({
  name: "classMask",
  uniforms: { pixels: "u32" },
  inputs: { labels: "i32", chosen: "i32" },
  outputs: { mask: "i32" },
  shader: maskShader,
  wasm(engine, { labels, chosen, mask }, { pixels }) {
    const arrays = [labels.address, chosen.address, pixels, mask.address];
    engine.run("classMask", [...arrays, mask.length], elementItems(mask.length));
  },
  reference: classMaskReference,
});

const MIX_IMAGES = defineKernel({
  name: "classMixImages",
  uniforms: { channels: "u32" },
  inputs: { mask: "i32", source: "f32", other: "f32" },
  outputs: { images: "f32" },
  shader: imagesShader,
  wasm(engine, { mask, source, other, images }, { channels }) {
    const arrays = [mask.address, source.address, other.address, images.address];
    const args = [...arrays, channels, mask.length];
    engine.run("pasteImages", args, elementItems(mask.length));
  },
  reference: pasteImagesReference,
});

const MIX_LABELS = defineKernel({
  name: "classMixLabels",
  uniforms: {},
  inputs: { mask: "i32", source: "i32", other: "i32", otherWeights: "f32" },
  outputs: { labels: "i32", pixelWeights: "f32" },
  shader: labelsShader,
  wasm(engine, { mask, source, other, otherWeights, labels, pixelWeights }) {
    const inputs = [mask.address, source.address, other.address, otherWeights.address];
    const args = [...inputs, labels.address, pixelWeights.address, mask.length];
    engine.run("pasteLabels", args, elementItems(mask.length));
  },
  reference: pasteLabelsReference,
});

/**
 * Marks the pixels of chosen classes.
 *
 * @param labels int32, 0 … 255. [B, H, W]
 * @param pastedClasses int32, 1 at the chosen labels of each sample, else 0. [B, 256]
 * @returns int32, 1 where the label is chosen, else 0. [B, H, W]; the caller owns it.
 */
export function classMask(labels: tf.Tensor, pastedClasses: tf.Tensor): tf.Tensor {
  return launch(CLASS_MASK, {
    uniforms: { pixels: labels.size * LABEL_VALUES / pastedClasses.size },
    inputs: { labels, chosen: pastedClasses },
    outputs: { mask: labels.shape },
  }).mask;
}

/** Images, labels and weights of one domain. */
export interface MixedBatch {
  /** [B, H, W, C] */
  readonly images: tf.Tensor;
  /** int32. [B, H, W] */
  readonly labels: tf.Tensor;
  /** [B, H, W] */
  readonly pixelWeights: tf.Tensor;
}

/**
 * Pastes source pixels over target pixels: M·source + (1 − M)·target, weight 1 where M = 1.
 *
 * @param mask int32. [B, H, W]
 * @returns Three tensors; the caller owns them.
 */
export function pasteSource(
  mask: tf.Tensor,
  source: Omit<MixedBatch, "pixelWeights">,
  target: MixedBatch,
): MixedBatch {
  const { images } = launch(MIX_IMAGES, {
    uniforms: { channels: target.images.size / mask.size },
    inputs: { mask, source: source.images, other: target.images },
    outputs: { images: target.images.shape },
    invocations: mask.size,
  });
  const { labels, pixelWeights } = launch(MIX_LABELS, {
    uniforms: {},
    inputs: {
      mask,
      source: source.labels,
      other: target.labels,
      otherWeights: target.pixelWeights,
    },
    outputs: { labels: target.labels.shape, pixelWeights: target.pixelWeights.shape },
  });
  return { images, labels, pixelWeights };
}
