/** Cutting maps into windows, and joining them. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launchOne } from "../kernel.ts";
import joinShader from "./join.wgsl" with { type: "text" };
import { joinReference, splitReference, type WindowSizes } from "./reference.ts";
import splitShader from "./split.wgsl" with { type: "text" };

export type { WindowSizes } from "./reference.ts";

type WindowKernel = Kernel<"count" | keyof WindowSizes>;

const UNIFORMS: WindowKernel["uniforms"] = {
  count: "u32",
  height: "u32",
  width: "u32",
  channels: "u32",
  window: "u32",
  shift: "u32",
  rows: "u32",
  columns: "u32",
};

const SPLIT: WindowKernel = {
  name: "windowSplit",
  shader: splitShader,
  uniforms: UNIFORMS,
  twin(sizes, inputs, outputs) {
    const [x] = inputs as [Cells];
    const [windows] = outputs as [Cells];
    splitReference(x, windows, sizes);
  },
};

const JOIN: WindowKernel = {
  name: "windowJoin",
  shader: joinShader,
  uniforms: UNIFORMS,
  twin(sizes, inputs, outputs) {
    const [windows] = inputs as [Cells];
    const [x] = outputs as [Cells];
    joinReference(windows, x, sizes);
  },
};

/** @returns The windows of maps [B, H, W, C]. [B·R·S, window², C] */
export function splitWindows(x: tf.Tensor, sizes: WindowSizes): tf.Tensor3D {
  const { window, channels, rows, columns } = sizes;
  const images = x.shape[0] ?? 0;
  const shape = [images * rows * columns, window ** 2, channels];
  return run(SPLIT, x, sizes, shape) as tf.Tensor3D;
}

/** @returns The maps of windows [B·R·S, window², C]. [B, H, W, C] */
export function joinWindows(windows: tf.Tensor, sizes: WindowSizes): tf.Tensor4D {
  const { height, width, channels, rows, columns } = sizes;
  const images = (windows.shape[0] ?? 0) / (rows * columns);
  return run(JOIN, windows, sizes, [images, height, width, channels]) as tf.Tensor4D;
}

function run(
  kernel: WindowKernel,
  input: tf.Tensor,
  sizes: WindowSizes,
  shape: number[],
): tf.Tensor {
  const count = shape.reduce((all, side) => all * side, 1);
  return launchOne(kernel, {
    uniforms: { count, ...sizes },
    inputs: [input],
    outputs: [{ shape }],
    invocations: count,
  });
}
