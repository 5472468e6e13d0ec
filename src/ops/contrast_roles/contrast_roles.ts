import type * as tf from "../../core/tf.ts";
import { defineKernel, type UniformsOf } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import softmax from "../softmax.wgsl" with { type: "text" };
import shader from "./contrast_roles.wgsl" with { type: "text" };
import { CONTRAST_UNIFORMS, contrastRolesReference } from "./reference.ts";

const CONTRAST_ROLES = defineKernel({
  name: "contrastRoles",
  uniforms: CONTRAST_UNIFORMS,
  inputs: { logits: "f32", labels: "i32", entropy: "f32", entropyBounds: "f32" },
  outputs: { anchors: "f32", prototypePixels: "f32", negatives: "f32" },
  shader: softmax + shader,
  reference: contrastRolesReference,
});

/** The pixels that {@linkcode contrastRoles} assigns. */
export interface ContrastInputs {
  /** [I, h, w, C] */
  readonly logits: tf.Tensor4D;
  /** int32, 255 ignored. [I, H, W] */
  readonly labels: tf.Tensor;
  /** Of the images after the labeled ones. [I − labeled, H, W] */
  readonly entropy: tf.Tensor;
  /** At most the first is confident, at least the second is uncertain. [2] */
  readonly entropyBounds: tf.Tensor;
}

/** Rows of zeros and ones, one per class. [C, I·h·w] each */
export interface ContrastRoles {
  /** Pixels that are pulled and pushed. */
  readonly anchors: tf.Tensor2D;
  /** Pixels whose mean is the class's prototype. */
  readonly prototypePixels: tf.Tensor2D;
  /** Pixels that the class may be confused with. */
  readonly negatives: tf.Tensor2D;
}

/**
 * Which pixels are compared with which, on the device. No gradient.
 *
 * @param labeledImages Images at the beginning whose labels are known.
 * @param limits Ranks of a class between which an unlabeled pixel is a negative, and the
 * least probability of an anchor.
 */
export function contrastRoles(
  { logits, labels, entropy, entropyBounds }: ContrastInputs,
  labeledImages: number,
  { lowRank, highRank, anchorThreshold }: Pick<
    UniformsOf<typeof CONTRAST_UNIFORMS>,
    "lowRank" | "highRank" | "anchorThreshold"
  >,
): ContrastRoles {
  const [images, outHeight, outWidth, classes] = logits.shape;
  const [, height = 0, width = 0] = labels.shape;
  const pixels = images * outHeight * outWidth;
  const output = [classes, pixels];
  const labeledPixels = labeledImages * outHeight * outWidth;
  const sizes = { labeledPixels, classes, height, width, outHeight, outWidth };
  return launch(CONTRAST_ROLES, {
    uniforms: { ...sizes, lowRank, highRank, anchorThreshold },
    inputs: { logits, labels, entropy, entropyBounds },
    outputs: { anchors: output, prototypePixels: output, negatives: output },
    invocations: pixels,
  }) as Record<keyof ContrastRoles, tf.Tensor2D>;
}
