/** Bilinear resize of NHWC maps, and its gradient. @module */
import { resampling } from "../resampling.ts";
import forwardShader from "./forward.wgsl" with { type: "text" };
import gradientShader from "./gradient.wgsl" with { type: "text" };
import {
  resizeBilinearGradientReference,
  resizeBilinearReference,
  type ResizeSizes,
} from "./reference.ts";

export type { ResizeSizes } from "./reference.ts";

const kernels = resampling<ResizeSizes>(
  "resizeBilinear",
  ["alignCorners"],
  { shader: forwardShader, twin: resizeBilinearReference },
  { shader: gradientShader, twin: resizeBilinearGradientReference },
);

/** x at another size. [B, OH, OW, C] */
export const resizeBilinear = kernels.forward;

/** d(loss)/dx. [B, H, W, C] */
export const resizeBilinearGradient = kernels.gradient;
