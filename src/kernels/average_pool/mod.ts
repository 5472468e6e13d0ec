/** Average pool of NHWC maps, plain or adaptive, and its gradient. @module */
import { resampling } from "../resampling.ts";
import forwardShader from "./forward.wgsl" with { type: "text" };
import gradientShader from "./gradient.wgsl" with { type: "text" };
import {
  averagePoolGradientReference,
  averagePoolReference,
  type AveragePoolSizes,
} from "./reference.ts";

export type { AveragePoolSizes } from "./reference.ts";

const kernels = resampling<AveragePoolSizes>(
  "averagePool",
  ["window", "stride"],
  { shader: forwardShader, twin: averagePoolReference },
  { shader: gradientShader, twin: averagePoolGradientReference },
);

/** The mean of every bin. [B, OH, OW, C] */
export const averagePool = kernels.forward;

/** d(loss)/dx. [B, H, W, C] */
export const averagePoolGradient = kernels.gradient;
