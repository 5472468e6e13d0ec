/** Depthwise convolutions by oneDNN, which is slow where they are dilated. @module */
import type { Arrays } from "../../gpu/kernel.ts";
import {
  convolutionFilterGradientPlan,
  convolutionInputGradientPlan,
  convolutionPlan,
} from "../../native/convolution.ts";
import type { NativeEngine } from "../../native/engine.ts";
import type { ConvSizes } from "../conv2d/conv_sizes.ts";
import { forwardSizes } from "../conv2d/native.ts";
import type { EpilogueFlags } from "../tiled_gemm/tiling.ts";

/** product = depthwise convolution + bias, or the input gradient of one. */
export function depthwiseConv2dByNative(
  engine: NativeEngine,
  { left, right, bias, product }: Arrays<"left" | "right" | "bias" | "product">,
  sizes: ConvSizes,
  { flipped, hasBias, hasGelu, hasResidual }: EpilogueFlags & {
    readonly flipped: boolean;
  },
): boolean {
  if (sizes.dilation > 1 || hasGelu || hasResidual) return false;
  const parts = { outChannels: sizes.channels, depthwise: true, hasBias };
  if (!flipped) {
    const plan = convolutionPlan({ ...sizes, ...parts });
    return engine.run(plan, left, right, ...(hasBias ? [bias] : []), product);
  }
  if (hasBias) return false;
  const plan = convolutionInputGradientPlan({ ...forwardSizes(sizes), ...parts });
  return engine.run(plan, left, right, product);
}

/** dw[ky, kx, c] = Σ dy · x over the pixels that tap (ky, kx) joins; all in the first split. */
export function depthwiseConv2dFilterGradientByNative(
  engine: NativeEngine,
  { x, dy, dw }: Arrays<"x" | "dy" | "dw">,
  sizes: ConvSizes,
): boolean {
  if (sizes.dilation > 1) return false;
  const { channels, kernelHeight, kernelWidth } = sizes;
  const plan = convolutionFilterGradientPlan({
    ...sizes,
    outChannels: channels,
    depthwise: true,
    hasBias: false,
  });
  if (!engine.run(plan, x, dy, dw)) return false;
  dw.fill(0, kernelHeight * kernelWidth * channels);
  return true;
}
