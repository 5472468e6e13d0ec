import type { HeapArrays } from "../../gpu/kernel.ts";
import { SCRATCH_BYTES, type WasmEngine } from "../../wasm/engine.ts";
import { type ConvSizes, gradientPadding } from "../conv2d/conv_sizes.ts";
import type { EpilogueFlags } from "../tiled_gemm/tiling.ts";
import { sumItems } from "../wasm_items.ts";

const FLOAT_BYTES = 4;
const DOUBLE_BYTES = 8;

// As in src/wasm/assembly/depthwise.ts.
const ROWS_PER_ITEM = 8;
const STRIP_BYTES = 64;
const SEGMENT = 64;

/** product = g(depthwise convolution + bias) + residual, or the input gradient of one. */
export function depthwiseConv2dByWasm(
  engine: WasmEngine,
  { left, right, bias, residual, product }: HeapArrays<
    "left" | "right" | "bias" | "residual" | "product"
  >,
  sizes: ConvSizes,
  { flipped, hasBias, hasGelu, hasResidual }:
    & EpilogueFlags
    & { readonly flipped: boolean },
): void {
  const { batch, height, width, channels, outHeight, outWidth, dilation } = sizes;
  const { kernelHeight, kernelWidth, stride, paddingTop, paddingLeft } = sizes;
  // Sums and bias, weights and the rows that a row of the output reads.
  const columns = SEGMENT * stride + (kernelWidth - 1) * dilation;
  const strips = 3 + kernelHeight * kernelWidth + kernelHeight * columns;
  if (strips * STRIP_BYTES > SCRATCH_BYTES) {
    throw new RangeError(
      `Cannot convolve by a ${kernelHeight}×${kernelWidth} filter with dilation ` +
        `${dilation}: use a smaller filter or dilation`,
    );
  }
  const tapBytes = FLOAT_BYTES * channels;
  const lastTap = (kernelHeight * kernelWidth - 1) * tapBytes;
  engine.run("depthwiseConvolve", [
    left.address,
    height,
    width,
    channels,
    flipped ? right.address + lastTap : right.address,
    flipped ? -tapBytes : tapBytes,
    kernelHeight,
    kernelWidth,
    ...(flipped ? [1, stride] : [stride, 1]),
    dilation,
    ...(flipped ? gradientPadding(sizes) : [paddingTop, paddingLeft]),
    hasBias ? bias.address : 0,
    Number(hasGelu),
    hasResidual ? residual.address : 0,
    product.address,
    outHeight,
    outWidth,
  ], batch * outHeight);
}

/** dw[ky, kx, c] = Σ dy · x over the pixels that tap (ky, kx) joins, in one split. */
export function depthwiseConv2dFilterGradientByWasm(
  engine: WasmEngine,
  { x, dy, dw }: HeapArrays<"x" | "dy" | "dw">,
  sizes: ConvSizes,
): void {
  const { height, width, channels, outHeight, outWidth } = sizes;
  const { kernelHeight, kernelWidth, stride, dilation, paddingTop, paddingLeft } = sizes;
  const rows = sizes.batch * outHeight;
  const items = Math.ceil(rows / ROWS_PER_ITEM);
  const count = dw.length;
  const partial = engine.workspace(items * count * DOUBLE_BYTES);
  engine.run("depthwiseFilterGradient", [
    x.address,
    height,
    width,
    channels,
    dy.address,
    outHeight,
    outWidth,
    rows,
    kernelHeight,
    kernelWidth,
    stride,
    dilation,
    paddingTop,
    paddingLeft,
    partial,
  ], items);
  engine.run("addBlocks", [partial, items, count, count, dw.address], sumItems(count));
}
