import type * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { elementItems } from "../wasm_items.ts";
import { rectify } from "./rectify.ts";
import { relu6GradientReference, relu6Reference } from "./reference.ts";
import shader from "./relu6.wgsl" with { type: "text" };
import gradientShader from "./relu6_gradient.wgsl" with { type: "text" };

const FORWARD = defineKernel({
  name: "relu6",
  uniforms: {},
  inputs: { x: "f32" },
  outputs: { y: "f32" },
  shader,
  wasm(engine, { x, y }) {
    engine.run("relu6", [x.address, y.address, x.length], elementItems(x.length));
  },
  reference: relu6Reference,
});

const GRADIENT = defineKernel({
  name: "relu6Gradient",
  uniforms: {},
  inputs: { y: "f32", dy: "f32" },
  outputs: { dx: "f32" },
  shader: gradientShader,
  wasm(engine, { y, dy, dx }) {
    const args = [y.address, dy.address, dx.address, y.length];
    engine.run("relu6Gradient", args, elementItems(y.length));
  },
  reference: relu6GradientReference,
});

/**
 * min(max(x, 0), 6), with its gradient, which is 0 at both ends, as PyTorch's.
 *
 * Source: Sandler et al., "MobileNetV2" (CVPR 2018), https://arxiv.org/abs/1801.04381.
 *
 * @returns Like x; the caller owns it.
 */
export function relu6<T extends tf.Tensor>(x: T): T {
  return rectify(x, FORWARD, GRADIENT);
}
