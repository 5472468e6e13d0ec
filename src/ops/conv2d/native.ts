/** Convolutions by oneDNN. @module */
import type { Arrays, UniformsOf } from "../../gpu/kernel.ts";
import {
  convolutionFilterGradientPlan,
  convolutionInputGradientPlan,
  convolutionPlan,
  type ConvolutionSizes,
} from "../../native/convolution.ts";
import type { NativeEngine } from "../../native/engine.ts";
import type { ConvSizes } from "./conv_sizes.ts";

type Product = Arrays<"left" | "right" | "bias" | "product">;
type ProductSizes = ConvSizes & { readonly columns: number; readonly pitch: number };

/** product = left ∗ right + bias. left [B, H, W, C], right [KH, KW, C, O] */
export function conv2dByNative(
  engine: NativeEngine,
  { left, right, bias, product }: Product,
  sizes: ProductSizes,
  hasBias: boolean,
): boolean {
  if (sizes.pitch !== sizes.channels) return false;
  const outChannels = sizes.columns;
  const plan = convolutionPlan({ ...sizes, outChannels, depthwise: false, hasBias });
  return engine.run(plan, left, right, ...(hasBias ? [bias] : []), product);
}

/**
 * product = d(loss)/dx. left = dy [B, H, W, O], right = filter [KH, KW, C, O],
 * product [B, outHeight, outWidth, C]
 */
export function conv2dInputGradientByNative(
  engine: NativeEngine,
  { left, right, product }: Product,
  sizes: ProductSizes,
): boolean {
  if (sizes.pitch !== sizes.channels) return false;
  const plan = convolutionInputGradientPlan({
    ...forwardSizes(sizes),
    channels: sizes.columns,
    outChannels: sizes.channels,
    depthwise: false,
    hasBias: false,
  });
  return engine.run(plan, left, right, product);
}

/** dw = d(loss)/d(filter), all in the first split. [splits, KH, KW, C, O] */
export function conv2dFilterGradientByNative(
  engine: NativeEngine,
  { x, dy, dw }: Arrays<"x" | "dy" | "dw">,
  sizes: ProductSizes & UniformsOf<Record<"splits", "u32">>,
): boolean {
  if (sizes.pitch !== sizes.channels) return false;
  const plan = convolutionFilterGradientPlan({
    ...sizes,
    outChannels: sizes.columns,
    depthwise: false,
    hasBias: false,
  });
  if (!engine.run(plan, x, dy, dw)) return false;
  if (sizes.splits > 1) dw.fill(0, dw.length / sizes.splits);
  return true;
}

/** The sizes of a forward pass from those of its input gradient, which goes back. */
export function forwardSizes(
  { height, width, outHeight, outWidth, ...sizes }: ConvSizes,
): Omit<ConvolutionSizes, "outChannels" | "depthwise" | "hasBias"> {
  return {
    ...sizes,
    height: outHeight,
    width: outWidth,
    outHeight: height,
    outWidth: width,
  };
}
