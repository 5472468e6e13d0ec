import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { channelsOf } from "../map_sizes.ts";
import { rowItems } from "../wasm_items.ts";
import forwardShader from "./forward.wgsl" with { type: "text" };
import gradientShader from "./gradient.wgsl" with { type: "text" };
import { softmaxByNative, softmaxGradientByNative } from "./native.ts";
import { softmaxGradientReference, softmaxReference } from "./reference.ts";

const FORWARD = defineKernel({
  name: "softmax",
  uniforms: { columns: "u32" },
  inputs: { x: "f32" },
  outputs: { y: "f32" },
  shader: forwardShader,
  native: softmaxByNative,
  wasm(engine, { x, y }, { columns }) {
    const rows = x.length / columns;
    engine.run("softmax", [x.address, rows, columns, y.address], rowItems(rows));
  },
  reference: softmaxReference,
});

const GRADIENT = defineKernel({
  name: "softmaxGradient",
  uniforms: { columns: "u32" },
  inputs: { y: "f32", dy: "f32" },
  outputs: { dx: "f32" },
  shader: gradientShader,
  native: softmaxGradientByNative,
  wasm(engine, { y, dy, dx }, { columns }) {
    const rows = y.length / columns;
    const args = [y.address, dy.address, rows, columns, dx.address];
    engine.run("softmaxGradient", args, rowItems(rows));
  },
  reference: softmaxGradientReference,
});

/**
 * Softmax over the last axis, with its gradient; on webgpu that of tfjs.
 *
 * y[..., c] = exp(x[..., c]) / Σ over k of exp(x[..., k])
 *
 * @param x [..., C]
 * @returns Like x; the caller owns it.
 */
export function softmax<T extends tf.Tensor>(x: T): T {
  return tf.getBackend() === "webgpu" ? tf.softmax(x) : pixelSoftmax(x);
}

/**
 * The same for many short rows, such as the logits of pixels; on webgpu by kernels of ours
 * that are some hundred times faster there.
 */
export function pixelSoftmax<T extends tf.Tensor>(x: T): T {
  const uniforms = { columns: channelsOf(x) };
  const invocations = x.size / uniforms.columns;
  return tf.differentiable<T>(
    { x },
    (save) => {
      const { y } = launch(FORWARD, {
        ...{ uniforms, invocations },
        inputs: { x },
        outputs: { y: x.shape },
      });
      save([y]);
      return y;
    },
    (dy, saved) => ({
      x: () => {
        const [y] = saved as [tf.Tensor];
        const inputs = { y, dy };
        return launch(GRADIENT, {
          ...{ uniforms, invocations, inputs },
          outputs: { dx: y.shape },
        }).dx;
      },
    }),
  );
}
