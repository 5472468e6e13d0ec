/** Moving average of one tensor, in place. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launch } from "../kernel.ts";
import shader from "./blend.wgsl" with { type: "text" };
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

/** target ← keep · target + (1 − keep) · source; keep = 0 copies. */
export function blend(target: tf.Tensor, source: tf.Tensor, keep: number): void {
  launch(BLEND, {
    uniforms: { count: target.size, keep, take: 1 - keep },
    inputs: [source],
    updates: [target],
    invocations: target.size,
  });
}
