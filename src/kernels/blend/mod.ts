/** Moving average, in place. @module */
import * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launch } from "../kernel.ts";
import { groupsOf, numberedType, sharesOf } from "../several.ts";
import shader from "./blend.wgsl" with { type: "text" };
import eightShader from "./eight.wgsl" with { type: "text" };
import { replaceElements } from "../wasm.ts";
import { blendReference } from "./reference.ts";

const BLEND: Kernel<"count" | "keep" | "take"> = {
  name: "blend",
  shader,
  uniforms: { count: "u32", keep: "f32", take: "f32" },
  twin({ keep }, inputs, outputs) {
    const [source] = inputs as [Cells];
    const [target] = outputs as [Cells];
    blendReference(source, target, keep);
  },
};

// Elements from which three operations of XNNPACK take less time than a plain loop.
const MANY = 16_384;

const EIGHT: Kernel = {
  name: "blendEight",
  shader: eightShader,
  uniforms: {
    ...numberedType("end", "u32", 8),
    ...numberedType("count", "u32", 8),
    keep: "f32",
    take: "f32",
  },
};

/** A tensor and what enters it. */
export interface Blended {
  readonly target: tf.Tensor;
  readonly source: tf.Tensor;
}

/**
 * As {@linkcode blend} for every pair, several at once where the device can.
 */
export function blendAll(pairs: readonly Blended[], keep: number): void {
  const { groups, rest } = groupsOf(pairs, 8);
  for (const group of groups) {
    const { uniforms, invocations } = sharesOf(group.map(({ target }) => target.size));
    launch(EIGHT, {
      uniforms: { ...uniforms, keep, take: 1 - keep },
      inputs: group.map(({ source }) => source),
      updates: group.map(({ target }) => target),
      invocations,
    });
  }
  for (const { target, source } of rest) blend(target, source, keep);
}

/** target ← keep · target + (1 − keep) · source; keep = 0 copies. */
export function blend(target: tf.Tensor, source: tf.Tensor, keep: number): void {
  if (
    tf.getBackend() === "wasm" && keep !== 0 && target.size >= MANY &&
    tf.util.arraysEqual(target.shape, source.shape)
  ) {
    blendByXnnpack(target, source, 1 - keep);
    return;
  }
  launch(BLEND, {
    uniforms: { count: target.size, keep, take: 1 - keep },
    inputs: [source],
    updates: [target],
    invocations: target.size,
  });
}

// target + take · (source − target), whose rounding, unlike that of two products in
// float32, leaves the average of a constant where it is.
function blendByXnnpack(target: tf.Tensor, source: tf.Tensor, take: number): void {
  const moved = tf.tidy(() => tf.add(target, tf.mul(tf.sub(source, target), take)));
  replaceElements(target, moved);
}
