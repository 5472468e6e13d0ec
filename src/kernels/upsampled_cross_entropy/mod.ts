/**
 * Softmax cross entropy of enlarged logits and its gradient, without ever storing the
 * enlarged logits.
 *
 * @module
 */
import * as tf from "../../core/tf.ts";
import type { EnlargedSizes } from "../bilinear.ts";
import bilinear from "../bilinear.wgsl" with { type: "text" };
import enlarged from "../enlarged.wgsl" with { type: "text" };
import { type Cells, type Kernel, launch, launchOne, launchPlain } from "../kernel.ts";
import { total } from "../total/mod.ts";
import gatherShader from "./gather.wgsl" with { type: "text" };
import lossesShader from "./losses.wgsl" with { type: "text" };
import { upsampledCrossEntropyReference } from "./reference.ts";
import slopesShader from "./slopes.wgsl" with { type: "text" };

const SIZES = {
  height: "u32",
  width: "u32",
  classes: "u32",
  outHeight: "u32",
  outWidth: "u32",
  alignCorners: "u32",
  weighted: "u32",
} as const;

const LOSSES: Kernel<"pixels" | keyof typeof SIZES> = {
  name: "upsampledCrossEntropyLosses",
  shader: bilinear + enlarged + lossesShader,
  uniforms: { pixels: "u32", ...SIZES },
};

const SLOPES: Kernel<"count" | keyof typeof SIZES> = {
  name: "upsampledCrossEntropySlopes",
  shader: bilinear + slopesShader,
  uniforms: { count: "u32", ...SIZES },
};

const GATHER: Kernel<"count" | "height" | "width" | "classes"> = {
  name: "upsampledCrossEntropyGather",
  shader: gatherShader,
  uniforms: { count: "u32", height: "u32", width: "u32", classes: "u32" },
};

/** What the loss reads. */
export interface Judged {
  /** [B, h, w, C] */
  readonly logits: tf.Tensor;
  /** int32. [B, H, W] */
  readonly labels: tf.Tensor;
  /** Per pixel, or null for 1. [B, H, W] */
  readonly weights: tf.Tensor | null;
}

/**
 * The sum of the losses and, if asked for, its gradient.
 *
 * @returns A scalar, and [B, h, w, C] or null.
 */
export function upsampledCrossEntropy(
  judged: Judged,
  sizes: EnlargedSizes,
  withSlopes: boolean,
): [tf.Tensor, tf.Tensor | null] {
  return tf.getBackend() === "webgpu"
    ? inPasses(judged, sizes, withSlopes)
    : atOnce(judged, sizes, withSlopes);
}

function inPasses(
  { logits, labels, weights }: Judged,
  sizes: EnlargedSizes,
  withSlopes: boolean,
): [tf.Tensor, tf.Tensor | null] {
  const uniforms = { ...sizes, weighted: weights === null ? 0 : 1 };
  const pixels = labels.size;
  const [logs, sums] = launch(LOSSES, {
    uniforms: { pixels, ...uniforms },
    inputs: [logits, labels, weights ?? logits],
    outputs: [{ shape: [pixels] }, { shape: [Math.ceil(pixels / 64)] }],
    invocations: pixels,
  }) as [tf.Tensor, tf.Tensor];
  const sum = total(sums, 1);
  sums.dispose();
  let slopes: tf.Tensor | null = null;
  if (withSlopes) {
    const count = logits.size;
    const cells = launchOne(SLOPES, {
      uniforms: { count, ...uniforms },
      inputs: [logits, labels, weights ?? logits, logs],
      outputs: [{ shape: [count, 4] }],
      invocations: count,
    });
    slopes = launchOne(GATHER, {
      uniforms: { count, ...sizes },
      inputs: [cells],
      outputs: [{ shape: logits.shape }],
      invocations: count,
    });
    cells.dispose();
  }
  logs.dispose();
  return [sum, slopes];
}

function atOnce(
  { logits, labels, weights }: Judged,
  sizes: EnlargedSizes,
  withSlopes: boolean,
): [tf.Tensor, tf.Tensor | null] {
  const [sum, slopes = null] = launchPlain("upsampledCrossEntropy", {
    inputs: weights === null ? [logits, labels] : [logits, labels, weights],
    outputs: withSlopes ? [{ shape: [] }, { shape: logits.shape }] : [{ shape: [] }],
    compute([logits, labels, weights = null], [sum, slopes = null]) {
      upsampledCrossEntropyReference(
        logits as Cells,
        labels as Cells,
        weights,
        sum as Cells,
        slopes,
        sizes,
      );
    },
  }) as [tf.Tensor, tf.Tensor?];
  return [sum, slopes];
}
