/** Euclidean distance over channels, and its gradient. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launchOne } from "../kernel.ts";
import forwardShader from "./forward.wgsl" with { type: "text" };
import gradientShader from "./gradient.wgsl" with { type: "text" };
import {
  channelDistanceGradientReference,
  channelDistanceReference,
} from "./reference.ts";

const FORWARD: Kernel<"rows" | "channels"> = {
  name: "channelDistance",
  shader: forwardShader,
  uniforms: { rows: "u32", channels: "u32" },
  twin({ channels }, inputs, outputs) {
    const [d] = outputs as [Cells];
    channelDistanceReference(inputs as [Cells, Cells], d, channels);
  },
};

const GRADIENT: Kernel<"count" | "channels"> = {
  name: "channelDistanceGradient",
  shader: gradientShader,
  uniforms: { count: "u32", channels: "u32" },
  twin({ channels }, inputs, outputs) {
    const [da] = outputs as [Cells];
    channelDistanceGradientReference(
      inputs as [Cells, Cells, Cells, Cells],
      da,
      channels,
    );
  },
};

/** @returns The distance of each pixel, shaped like a without its last axis. */
export function channelDistance(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const channels = a.shape[a.rank - 1] ?? 1;
  return launchOne(FORWARD, {
    uniforms: { rows: a.size / channels, channels },
    inputs: [a, b],
    outputs: [{ shape: a.shape.slice(0, -1) }],
    invocations: a.size / channels,
  });
}

/** @returns d(loss)/da, like a; that of b is its negative. */
export function channelDistanceGradient(
  a: tf.Tensor,
  b: tf.Tensor,
  distance: tf.Tensor,
  dy: tf.Tensor,
): tf.Tensor {
  return launchOne(GRADIENT, {
    uniforms: { count: a.size, channels: a.shape[a.rank - 1] ?? 1 },
    inputs: [a, b, distance, dy],
    outputs: [{ shape: a.shape }],
    invocations: a.size,
  });
}
