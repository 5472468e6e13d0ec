import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { elementItems } from "../wasm_items.ts";
import erf from "./erf.wgsl" with { type: "text" };
import shader from "./gelu.wgsl" with { type: "text" };
import gradientShader from "./gelu_gradient.wgsl" with { type: "text" };
import { geluByNative, geluGradientByNative } from "./native.ts";
import { geluGradientReference, geluReference } from "./reference.ts";

const FORWARD = defineKernel({
  name: "gelu",
  uniforms: {},
  inputs: { x: "f32" },
  outputs: { out: "f32" },
  shader: erf + shader,
  native: geluByNative,
  wasm(engine, { x, out }) {
    engine.run("gelu", [x.address, out.address, x.length], elementItems(x.length));
  },
  reference: geluReference,
});

const GRADIENT = defineKernel({
  name: "geluGradient",
  uniforms: {},
  inputs: { x: "f32", dy: "f32" },
  outputs: { dx: "f32" },
  shader: erf + gradientShader,
  native: geluGradientByNative,
  wasm(engine, { x, dy, dx }) {
    const args = [x.address, dy.address, dx.address, x.length];
    engine.run("geluGradient", args, elementItems(x.length));
  },
  reference: geluGradientReference,
});

/**
 * GELU in its exact form, x · Φ(x), with its gradient Φ(x) + x · φ(x).
 *
 * Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016,
 * https://arxiv.org/abs/1606.08415.
 *
 * @returns Like x; the caller owns it.
 */
export function gelu<T extends tf.AnyTensor>(x: T): T {
  return tf.differentiable<T>(
    { x },
    (save) => {
      save([x]);
      return launch(FORWARD, { uniforms: {}, inputs: { x }, outputs: { out: x.shape } })
        .out;
    },
    (dy, saved) => ({
      x: () => {
        const [x] = saved as [tf.Tensor];
        const inputs = { x, dy };
        return launch(GRADIENT, { uniforms: {}, inputs, outputs: { dx: x.shape } }).dx;
      },
    }),
  );
}
