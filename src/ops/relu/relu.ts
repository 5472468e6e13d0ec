import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { elementItems } from "../wasm_items.ts";
import { rectify } from "./rectify.ts";
import { reluGradientReference, reluReference } from "./reference.ts";

const FORWARD = defineKernel({
  name: "relu",
  uniforms: {},
  inputs: { x: "f32" },
  outputs: { y: "f32" },
  wasm(engine, { x, y }) {
    engine.run("relu", [x.address, y.address, x.length], elementItems(x.length));
  },
  reference: reluReference,
});

const GRADIENT = defineKernel({
  name: "reluGradient",
  uniforms: {},
  inputs: { y: "f32", dy: "f32" },
  outputs: { dx: "f32" },
  wasm(engine, { y, dy, dx }) {
    const args = [y.address, dy.address, dx.address, y.length];
    engine.run("reluGradient", args, elementItems(y.length));
  },
  reference: reluGradientReference,
});

/**
 * max(x, 0), with its gradient; on webgpu that of tfjs.
 *
 * @returns Like x; the caller owns it.
 */
export function relu<T extends tf.Tensor>(x: T): T {
  if (tf.getBackend() === "webgpu") return tf.relu(x);
  return rectify(x, FORWARD, GRADIENT);
}
