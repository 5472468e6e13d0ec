/** Depthwise convolution and its gradients by our kernels. @module */
import * as tf from "../../core/tf.ts";
import { launchInChunks } from "../../gpu/chunks.ts";
import { kernelVariants } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { CONV_UNIFORMS, type ConvSizes } from "../conv2d/conv_sizes.ts";
import { sumOverBatch } from "../conv2d/implicit_gemm.ts";
import type { Epilogue } from "../mat_mul/fused_mat_mul.ts";
import { splitsToFillDevice } from "../sums/sums.ts";
import {
  elementsOf,
  type EpilogueFlags,
  fourAccess,
  productArrays,
  productShader,
} from "../tiled_gemm/tiling.ts";
import shader from "./depthwise_conv2d.wgsl" with { type: "text" };
import filterGradientShader from "./filter_gradient.wgsl" with { type: "text" };
import stridedShader from "./strided_depthwise_conv2d.wgsl" with { type: "text" };
import {
  depthwiseConv2dByNative,
  depthwiseConv2dFilterGradientByNative,
} from "./native.ts";
import {
  depthwiseConv2dFilterGradientReference,
  depthwiseConv2dReference,
} from "./reference.ts";
import { depthwiseConv2dByWasm, depthwiseConv2dFilterGradientByWasm } from "./wasm.ts";

type DepthwiseFlags =
  & Readonly<Record<"flipped" | "strided", boolean>>
  & EpilogueFlags;

const kernelFor = kernelVariants("depthwiseConv2d", (flags: DepthwiseFlags) => ({
  uniforms: CONV_UNIFORMS,
  ...productArrays(flags.aligned),
  shader: productShader(flags.aligned) + (flags.strided ? stridedShader : shader),
  native: (engine, arrays, sizes) =>
    depthwiseConv2dByNative(engine, arrays, sizes, flags),
  wasm: (engine, arrays, sizes) => depthwiseConv2dByWasm(engine, arrays, sizes, flags),
  reference: (arrays, sizes) => depthwiseConv2dReference(arrays, sizes, flags),
}));

// Pixels of a row that one invocation owns.
const STRIP_PIXELS = 4;

/**
 * Depthwise convolution with an epilogue. No gradient.
 *
 * @param x [B, H, W, C]
 * @param filter [KH, KW, C, 1]
 * @param flipped Whether the filter is flipped and the padding that of the other side.
 * @returns [B, OH, OW, C]
 */
export function fusedDepthwiseConv2d(
  x: tf.Tensor,
  filter: tf.Tensor,
  sizes: ConvSizes,
  { bias, gelu = false, residual }: Epilogue = {},
  flipped = false,
): tf.Tensor {
  const { batch, channels, outHeight, outWidth, stride, dilation } = sizes;
  const strided = stride > 1;
  const kernel = kernelFor({
    aligned: channels % 4 === 0,
    flipped,
    strided,
    hasBias: bias !== undefined,
    hasGelu: gelu,
    hasResidual: residual !== undefined,
  });
  const strips = strided
    ? outWidth
    : Math.ceil(outWidth / (STRIP_PIXELS * dilation)) * dilation;
  const out = outHeight * outWidth * channels;
  return launchInChunks(kernel, {
    count: batch,
    inputs: {
      left: [x, x.size / batch],
      right: filter,
      bias: bias ?? filter,
      residual: residual ? [residual, out] : filter,
    },
    outputs: { product: [[batch, outHeight, outWidth, channels], out] },
    argumentsFor: ({ count }) => ({
      uniforms: { ...sizes, batch: count },
      invocations: count * outHeight * strips * Math.ceil(channels / 4),
    }),
  }).product;
}

/**
 * d(loss)/dx of a depthwise convolution.
 *
 * @param dy [B, OH, OW, C]
 * @param filter [KH, KW, C, 1]
 * @param sizes Of the forward pass.
 * @returns [B, H, W, C]
 */
export function depthwiseConv2dInputGradient(
  dy: tf.Tensor,
  filter: tf.Tensor,
  sizes: ConvSizes,
): tf.Tensor {
  const { height, width, outHeight, outWidth } = sizes;
  const of = { height: outHeight, width: outWidth, outHeight: height, outWidth: width };
  return fusedDepthwiseConv2d(dy, filter, { ...sizes, ...of }, {}, true);
}

const filterGradientKernelFor = kernelVariants(
  "depthwiseConv2dFilterGradient",
  ({ aligned }: Readonly<Record<"aligned" | "strided", boolean>>) => ({
    uniforms: { ...CONV_UNIFORMS, rowsPerSplit: "u32" },
    inputs: { x: elementsOf(aligned), dy: elementsOf(aligned) },
    outputs: { dw: elementsOf(aligned) },
    shader: fourAccess(aligned, ["x", "dy"], "dw") + filterGradientShader,
    native: depthwiseConv2dFilterGradientByNative,
    wasm: depthwiseConv2dFilterGradientByWasm,
    reference: depthwiseConv2dFilterGradientReference,
  }),
);

// Shorter sums are not worth a split.
const MIN_PIXELS_PER_SPLIT = 64;

/**
 * d(loss)/d(filter) of a depthwise convolution.
 *
 * @param x [B, H, W, C]
 * @param dy [B, OH, OW, C]
 * @param sizes Of the forward pass.
 * @returns [KH, KW, C, 1]
 */
export function depthwiseConv2dFilterGradient(
  x: tf.Tensor,
  dy: tf.Tensor,
  sizes: ConvSizes,
): tf.Tensor {
  const { channels, kernelHeight, kernelWidth, outHeight, outWidth, stride } = sizes;
  const invocationsPerSplit = Math.ceil(kernelHeight / 3) * Math.ceil(kernelWidth / 3) *
    Math.ceil(channels / 4);
  return tf.tidy(() => {
    const sum = sumOverBatch(x, dy, sizes.batch, (maps, batch) => {
      const rows = batch * outHeight;
      const minRows = Math.ceil(MIN_PIXELS_PER_SPLIT / outWidth);
      const rowsToFillDevice = Math.ceil(rows / splitsToFillDevice(invocationsPerSplit));
      const rowsPerSplit = tf.getBackend() === "webgpu"
        ? Math.max(minRows, rowsToFillDevice)
        : rows;
      const splits = Math.ceil(rows / rowsPerSplit);
      const flags = { aligned: channels % 4 === 0, strided: stride > 1 };
      return launch(filterGradientKernelFor(flags), {
        uniforms: { ...sizes, batch, rowsPerSplit },
        inputs: maps,
        outputs: { dw: [splits, kernelHeight * kernelWidth * channels] },
        invocations: splits * invocationsPerSplit,
      }).dw;
    });
    return tf.reshape(sum, [kernelHeight, kernelWidth, channels, 1]);
  });
}
