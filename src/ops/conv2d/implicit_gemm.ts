/**
 * Convolution and its gradients as products of matrices whose rows are gathered (implicit
 * GEMM). No function here has a gradient.
 *
 * @module
 */
import * as tf from "../../core/tf.ts";
import { chunkSlice, chunksOf, launchInChunks } from "../../gpu/chunks.ts";
import { maxBindingElements } from "../../gpu/dispatch.ts";
import { type BufferSlice, kernelVariants } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import type { Epilogue } from "../mat_mul/fused_mat_mul.ts";
import { columnSum, rowsPerSplit } from "../sums/sums.ts";
import registerTile from "../tiled_gemm/register_tile.wgsl" with { type: "text" };
import {
  elementsOf,
  type EpilogueFlags,
  fourAccess,
  productArrays,
  productShader,
  tiling,
} from "../tiled_gemm/tiling.ts";
import shader from "./conv2d.wgsl" with { type: "text" };
import { CONV_UNIFORMS, type ConvSizes } from "./conv_sizes.ts";
import filterGradientShader from "./filter_gradient.wgsl" with { type: "text" };
import {
  conv2dByNative,
  conv2dFilterGradientByNative,
  conv2dInputGradientByNative,
} from "./native.ts";
import {
  conv2dFilterGradientReference,
  conv2dInputGradientReference,
  conv2dReference,
} from "./reference.ts";
import {
  canGather,
  conv2dByWasm,
  conv2dFilterGradientByWasm,
  conv2dInputGradientByWasm,
} from "./wasm.ts";

type Conv2dFlags = Readonly<Record<"backward" | "large", boolean>> & EpilogueFlags;

const kernelFor = kernelVariants("conv2d", (flags: Conv2dFlags) => ({
  uniforms: {
    ...CONV_UNIFORMS,
    columns: "u32",
    phases: "u32",
    pitch: "u32",
    across: "u32",
  },
  ...productArrays(flags.aligned),
  shader: productShader(flags.aligned) + registerTile + shader,
  native: (engine, arrays, sizes) =>
    flags.hasGelu || flags.hasResidual || !canGather(sizes)
      ? false
      : flags.backward
      ? conv2dInputGradientByNative(engine, arrays, sizes)
      : conv2dByNative(engine, arrays, sizes, flags.hasBias),
  wasm: (engine, arrays, sizes) =>
    flags.hasGelu || flags.hasResidual || !canGather(sizes)
      ? false
      : flags.backward
      ? conv2dInputGradientByWasm(engine, arrays, sizes)
      : conv2dByWasm(engine, arrays, sizes, flags.hasBias),
  reference(arrays, sizes) {
    if (flags.backward) conv2dInputGradientReference(arrays, sizes);
    else conv2dReference(arrays, sizes, flags);
  },
}));

const NO_EPILOGUE = { hasBias: false, hasGelu: false, hasResidual: false };

/**
 * Convolution with an epilogue, any stride, dilation and padding.
 *
 * @param x [B, H, W, C]
 * @param filter [KH, KW, C, O]
 * @returns [B, OH, OW, O]
 */
export function fusedConv2d(
  x: tf.Tensor,
  filter: tf.Tensor,
  sizes: ConvSizes,
  { bias, gelu = false, residual }: Epilogue = {},
): tf.Tensor {
  const O = filter.shape[3] ?? 0;
  const { batch, channels, outHeight, outWidth } = sizes;
  const { large, lanesAcross } = tiling(batch * outHeight * outWidth, O);
  const kernel = kernelFor({
    large,
    aligned: channels % 4 === 0 && O % 4 === 0,
    backward: false,
    hasBias: bias !== undefined,
    hasGelu: gelu,
    hasResidual: residual !== undefined,
  });
  const out = outHeight * outWidth * O;
  return tf.tidy(() => {
    const packed = packKernelRows(x, sizes);
    return launchInChunks(kernel, {
      count: batch,
      inputs: {
        left: [packed.x, packed.x.size / batch],
        right: filter,
        bias: bias ?? filter,
        residual: residual ? [residual, out] : filter,
      },
      outputs: { product: [[batch, outHeight, outWidth, O], out] },
      argumentsFor: ({ count }) => ({
        uniforms: {
          ...packed.sizes,
          batch: count,
          columns: O,
          phases: 1,
          pitch: channels,
          across: lanesAcross,
        },
        invocations: tiling(count * outHeight * outWidth, O, large).invocations,
      }),
    }).product;
  });
}

/**
 * d(loss)/dx of a convolution.
 *
 * @param dy [B, OH, OW, O]
 * @param filter [KH, KW, C, O]
 * @param sizes Of the forward pass.
 * @returns [B, H, W, C]
 */
export function conv2dInputGradient(
  dy: tf.Tensor,
  filter: tf.Tensor,
  sizes: ConvSizes,
): tf.Tensor {
  const O = filter.shape[3] ?? 0;
  const { batch, height, width, channels, outHeight, outWidth, stride } = sizes;
  // Those of one image, each phase filled up to the largest.
  const rows = stride ** 2 * Math.ceil(height / stride) * Math.ceil(width / stride);
  const { large, lanesAcross } = tiling(batch * rows, channels);
  const aligned = channels % 4 === 0 && O % 4 === 0;
  return launchInChunks(kernelFor({ large, aligned, backward: true, ...NO_EPILOGUE }), {
    count: batch,
    inputs: {
      left: [dy, outHeight * outWidth * O],
      right: filter,
      bias: filter,
      residual: filter,
    },
    outputs: { product: [[batch, height, width, channels], height * width * channels] },
    argumentsFor: ({ count }) => ({
      uniforms: {
        ...sizes,
        batch: count,
        height: outHeight,
        width: outWidth,
        channels: O,
        outHeight: height,
        outWidth: width,
        columns: channels,
        phases: stride,
        pitch: O,
        across: lanesAcross,
      },
      invocations: tiling(count * rows, channels, large).invocations,
    }),
  }).product;
}

const filterGradientKernelFor = kernelVariants(
  "conv2dFilterGradient",
  ({ aligned }: Readonly<Record<"aligned" | "large", boolean>>) => ({
    uniforms: {
      ...CONV_UNIFORMS,
      columns: "u32",
      pitch: "u32",
      across: "u32",
      splits: "u32",
      rowsPerSplit: "u32",
    },
    inputs: { x: elementsOf(aligned), dy: elementsOf(aligned) },
    outputs: { dw: elementsOf(aligned) },
    shader: fourAccess(aligned, ["x", "dy"], "dw") + registerTile + filterGradientShader,
    native: conv2dFilterGradientByNative,
    wasm: (engine, arrays, sizes) =>
      canGather(sizes) && conv2dFilterGradientByWasm(engine, arrays, sizes),
    reference: conv2dFilterGradientReference,
  }),
);

// Shorter sums are not worth a split.
const MIN_PIXELS_PER_SPLIT = 256;

/**
 * d(loss)/d(filter) of a convolution, any stride, dilation and padding.
 *
 * @param x [B, H, W, C]
 * @param dy [B, OH, OW, O]
 * @param sizes Of the forward pass.
 * @returns [KH, KW, C, O]
 */
export function conv2dFilterGradient(
  x: tf.Tensor,
  dy: tf.Tensor,
  sizes: ConvSizes,
): tf.Tensor {
  const O = dy.shape[3] ?? 0;
  const { kernelHeight, kernelWidth, channels: pitch } = sizes;
  return tf.tidy(() => {
    const packed = packKernelRows(x, sizes);
    const { channels, outHeight, outWidth } = packed.sizes;
    const taps = packed.sizes.kernelHeight * packed.sizes.kernelWidth;
    const { large, lanesAcross, invocations } = tiling(channels, O);
    const aligned = channels % 4 === 0 && pitch % 4 === 0 && O % 4 === 0;
    const sum = sumOverBatch(packed.x, dy, sizes.batch, (maps, batch) => {
      const rows = batch * outHeight;
      const longEnough = Math.max(1, Math.floor(rows * outWidth / MIN_PIXELS_PER_SPLIT));
      const split = tf.getBackend() === "webgpu"
        ? rowsPerSplit(rows, taps * invocations, Math.min(longEnough, rows))
        : rows;
      const splits = Math.ceil(rows / split);
      return launch(filterGradientKernelFor({ aligned, large }), {
        uniforms: {
          ...packed.sizes,
          batch,
          columns: O,
          pitch,
          across: lanesAcross,
          splits,
          rowsPerSplit: split,
        },
        inputs: maps,
        outputs: { dw: [splits, taps * channels * O] },
        invocations: splits * taps * invocations,
      }).dw;
    });
    return tf.reshape(sum, [kernelHeight, kernelWidth, pitch, O]);
  });
}

/**
 * Sums a filter gradient over a batch, in chunks of images that the device can bind.
 *
 * @param partialSums The sums of a chunk, in splits of the rows. [splits, …]
 */
export function sumOverBatch(
  x: tf.Tensor,
  dy: tf.Tensor,
  batch: number,
  partialSums: (
    maps: { readonly x: BufferSlice; readonly dy: BufferSlice },
    images: number,
  ) => tf.Tensor,
): tf.Tensor {
  const [ofX, ofDy] = [x.size / batch, dy.size / batch];
  const sums = chunksOf(batch, [ofX, ofDy]).map((chunk) => {
    const maps = { x: chunkSlice(x, chunk, ofX), dy: chunkSlice(dy, chunk, ofDy) };
    const splits = partialSums(maps, chunk.count);
    return splits.shape[0] === 1 ? splits : columnSum(splits);
  });
  return sums.reduce((all, one) => tf.add(all, one));
}

// Images have three; from here on, four elements at a time fit into one tap.
const MIN_UNPACKED_CHANNELS = 4;

/**
 * Makes one wide tap of each row of a filter that sees few channels.
 *
 * Without dilation the taps of a row read neighboring elements, KW · C of them, so a filter
 * of 7×7 taps and 3 channels is one of 7×1 taps and 21 channels on a map whose pixels still
 * lie 3 apart. The borders become part of the map, since a wide tap may reach over them.
 *
 * @returns The map and sizes to use, unchanged where this does not help or cannot be done.
 */
function packKernelRows(
  x: tf.Tensor,
  sizes: ConvSizes,
): { x: tf.Tensor; sizes: ConvSizes } {
  const { batch, channels, kernelWidth, dilation } = sizes;
  const { height, width, paddings } = withBorders(sizes);
  const padded = batch * height * width * channels;
  const helps = channels < MIN_UNPACKED_CHANNELS && kernelWidth > 1 && dilation === 1;
  if (!helps || tf.getBackend() !== "webgpu" || padded > maxBindingElements()) {
    return { x, sizes };
  }
  return {
    x: paddings.flat().every((zeros) => zeros === 0) ? x : tf.pad(x, paddings),
    sizes: {
      ...sizes,
      height,
      width,
      paddingTop: 0,
      paddingLeft: 0,
      kernelWidth: 1,
      channels: kernelWidth * channels,
    },
  };
}

// The zeros that some tap reads, and the size of a map that has them.
function withBorders(
  { height, width, outHeight, outWidth, stride, dilation, ...sizes }: ConvSizes,
) {
  const { kernelHeight, kernelWidth, paddingTop, paddingLeft } = sizes;
  const after = (side: number, out: number, kernel: number, before: number) =>
    Math.max((out - 1) * stride + dilation * (kernel - 1) + 1 - side - before, 0);
  const bottom = after(height, outHeight, kernelHeight, paddingTop);
  const right = after(width, outWidth, kernelWidth, paddingLeft);
  const paddings: [number, number][] = [
    [0, 0],
    [paddingTop, bottom],
    [paddingLeft, right],
    [0, 0],
  ];
  return {
    paddings,
    height: height + paddingTop + bottom,
    width: width + paddingLeft + right,
  };
}
