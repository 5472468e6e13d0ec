/** Pasting the pixels of chosen classes into other images. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launch, launchOne } from "../kernel.ts";
import maskShader from "./mask.wgsl" with { type: "text" };
import imagesShader from "./images.wgsl" with { type: "text" };
import labelsShader from "./labels.wgsl" with { type: "text" };
import {
  classMaskReference,
  LABEL_VALUES,
  mixImagesReference,
  mixLabelsReference,
} from "./reference.ts";

export { LABEL_VALUES } from "./reference.ts";

const MASK: Kernel<"count" | "pixels"> = {
  name: "classMask",
  shader: maskShader,
  uniforms: { count: "u32", pixels: "u32" },
  twin({ pixels }, inputs, outputs) {
    const [mask] = outputs as [Cells];
    classMaskReference(inputs as [Cells, Cells], mask, pixels);
  },
};

const IMAGES: Kernel<"count"> = {
  name: "classMixImages",
  shader: imagesShader,
  uniforms: { count: "u32" },
  twin(_, inputs, outputs) {
    const [y] = outputs as [Cells];
    mixImagesReference(inputs as [Cells, Cells, Cells], y);
  },
};

const LABELS: Kernel<"count"> = {
  name: "classMixLabels",
  shader: labelsShader,
  uniforms: { count: "u32" },
  twin(_, inputs, outputs) {
    mixLabelsReference(
      inputs as [Cells, Cells, Cells, Cells],
      outputs as [Cells, Cells],
    );
  },
};

/**
 * @param labels int32. [B, H, W]
 * @param chosen int32, 1 for the classes to be pasted. [B, 256]
 * @returns int32. [B, H, W]
 */
export function classMask(labels: tf.Tensor, chosen: tf.Tensor): tf.Tensor {
  const count = labels.size;
  return launchOne(MASK, {
    uniforms: { count, pixels: count * LABEL_VALUES / chosen.size },
    inputs: [labels, chosen],
    outputs: [{ shape: labels.shape, dtype: "int32" }],
    invocations: count,
  });
}

/** Images, labels and weights of one domain. */
export interface MixedTensors {
  /** [B, H, W, 3] */
  readonly images: tf.Tensor;
  /** int32. [B, H, W] */
  readonly labels: tf.Tensor;
  /** [B, H, W] */
  readonly weights: tf.Tensor;
}

/** @returns The source with weight 1 where the mask is not 0, the target elsewhere. */
export function mix(
  mask: tf.Tensor,
  source: Omit<MixedTensors, "weights">,
  target: MixedTensors,
): MixedTensors {
  const images = launchOne(IMAGES, {
    uniforms: { count: mask.size },
    inputs: [mask, source.images, target.images],
    outputs: [{ shape: target.images.shape }],
    invocations: mask.size,
  });
  const [labels, weights] = launch(LABELS, {
    uniforms: { count: mask.size },
    inputs: [mask, source.labels, target.labels, target.weights],
    outputs: [
      { shape: target.labels.shape, dtype: "int32" },
      { shape: target.weights.shape },
    ],
    invocations: mask.size,
  }) as [tf.Tensor, tf.Tensor];
  return { images, labels, weights };
}
