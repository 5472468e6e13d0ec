/** Nearest resize of NHWC maps, and its gradient. @module */
import { resampling } from "../resampling.ts";
import forwardShader from "./forward.wgsl" with { type: "text" };
import gradientShader from "./gradient.wgsl" with { type: "text" };
import {
  resizeNearestGradientReference,
  resizeNearestReference,
  type ResizeNearestSizes,
} from "./reference.ts";

export type { ResizeNearestSizes } from "./reference.ts";

const kernels = resampling<ResizeNearestSizes>(
  "resizeNearest",
  [],
  { shader: forwardShader, twin: resizeNearestReference },
  { shader: gradientShader, twin: resizeNearestGradientReference },
);

/** x at another size. [B, OH, OW, C] */
export const resizeNearest = kernels.forward;

/** d(loss)/dx. [B, H, W, C] */
export const resizeNearestGradient = kernels.gradient;
