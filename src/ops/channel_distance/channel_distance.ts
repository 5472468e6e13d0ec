import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { channelsOf } from "../map_sizes.ts";
import { rowItems } from "../wasm_items.ts";
import forwardShader from "./forward.wgsl" with { type: "text" };
import gradientShader from "./gradient.wgsl" with { type: "text" };
import {
  channelDistanceGradientReference,
  channelDistanceReference,
} from "./reference.ts";

const FORWARD = defineKernel({
  name: "channelDistance",
  uniforms: { channels: "u32" },
  inputs: { a: "f32", b: "f32" },
  outputs: { d: "f32" },
  shader: forwardShader,
  wasm(engine, { a, b, d }, { channels }) {
    const args = [a.address, b.address, d.length, channels, d.address];
    engine.run("channelDistance", args, rowItems(d.length));
  },
  reference: channelDistanceReference,
});

const GRADIENT = defineKernel({
  name: "channelDistanceGradient",
  uniforms: { channels: "u32" },
  inputs: { a: "f32", b: "f32", d: "f32", dd: "f32" },
  outputs: { da: "f32" },
  shader: gradientShader,
  wasm(engine, { a, b, d, dd, da }, { channels }) {
    const inputs = [a.address, b.address, d.address, dd.address];
    const args = [...inputs, d.length, channels, da.address];
    engine.run("channelDistanceGradient", args, rowItems(d.length));
  },
  reference: channelDistanceGradientReference,
});

/**
 * Euclidean distance of two maps at each pixel, over the channels.
 *
 * d = ‖a − b‖₂, with gradient 0 where a = b.
 *
 * @param a [B, H, W, C]
 * @param b [B, H, W, C]
 * @returns [B, H, W]; the caller owns it.
 */
export function channelDistance(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const uniforms = { channels: channelsOf(a) };
  return tf.differentiable(
    { a, b },
    (save) => {
      const outputs = { d: a.shape.slice(0, -1) };
      const { d } = launch(FORWARD, { uniforms, inputs: { a, b }, outputs });
      save([a, b, d]);
      return d;
    },
    (dd, saved) => {
      const [a, b, d] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      const gradient = (a: tf.Tensor, b: tf.Tensor) =>
        launch(GRADIENT, { uniforms, inputs: { a, b, d, dd }, outputs: { da: a.shape } })
          .da;
      return { a: () => gradient(a, b), b: () => gradient(b, a) };
    },
  );
}
