/** Most probable class of each pixel of enlarged logits, without storing them. @module */
import * as tf from "../../core/tf.ts";
import type { EnlargedSizes } from "../bilinear.ts";
import bilinear from "../bilinear.wgsl" with { type: "text" };
import enlarged from "../enlarged.wgsl" with { type: "text" };
import { type Cells, type Kernel, launch, launchPlain } from "../kernel.ts";
import { total } from "../total/mod.ts";
import shader from "./belief.wgsl" with { type: "text" };
import { upsampledBeliefReference } from "./reference.ts";

const BELIEF: Kernel<"pixels" | "threshold" | keyof EnlargedSizes> = {
  name: "upsampledBelief",
  shader: bilinear + enlarged + shader,
  uniforms: {
    pixels: "u32",
    height: "u32",
    width: "u32",
    classes: "u32",
    outHeight: "u32",
    outWidth: "u32",
    alignCorners: "u32",
    threshold: "f32",
  },
};

/** @returns Labels (int32) and confidence [B, H, W], and the share of sure pixels, a scalar. */
export function upsampledBelief(
  logits: tf.Tensor,
  threshold: number,
  sizes: EnlargedSizes,
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const shape = [logits.shape[0] ?? 0, sizes.outHeight, sizes.outWidth];
  const outputs = [{ shape, dtype: "int32" }, { shape }] as const;
  if (tf.getBackend() !== "webgpu") {
    return launchPlain("upsampledBelief", {
      inputs: [logits],
      outputs: [...outputs, { shape: [] }],
      compute([logits], written) {
        const results = written as readonly [Cells, Cells, Cells];
        upsampledBeliefReference(logits as Cells, results, threshold, sizes);
      },
    }) as [tf.Tensor, tf.Tensor, tf.Tensor];
  }
  const pixels = shape.reduce((all, side) => all * side, 1);
  const [labels, confidence, counts] = launch(BELIEF, {
    uniforms: { pixels, threshold, ...sizes },
    inputs: [logits],
    outputs: [...outputs, { shape: [Math.ceil(pixels / 64)] }],
    invocations: pixels,
  }) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const share = total(counts, pixels);
  counts.dispose();
  return [labels, confidence, share];
}
