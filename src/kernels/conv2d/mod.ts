/** Convolution and its input gradient as implicit products of matrices. @module */
import * as tf from "../../core/tf.ts";
import type { ConvSizes } from "../conv_sizes.ts";
import { type Cells, type Kernel, launchOne, type UniformType } from "../kernel.ts";
import type { Epilogue } from "../matmul/mod.ts";
import type { MatMulForm } from "../matmul/reference.ts";
import aligned from "../tile/aligned.wgsl" with { type: "text" };
import epilogue from "../tile/epilogue.wgsl" with { type: "text" };
import { tiling } from "../tile/shape.ts";
import sums from "../tile/sums.wgsl" with { type: "text" };
import unaligned from "../tile/unaligned.wgsl" with { type: "text" };
import shader from "./conv2d.wgsl" with { type: "text" };
import { rowsOfTaps } from "./rows_of_taps.ts";
import { conv2dInputGradientReference, conv2dReference } from "./reference.ts";

type Field = keyof ConvSizes | "columns" | "phases" | "pitch" | "across";
type Form =
  & Pick<MatMulForm, "biased" | "activated" | "residual">
  & Readonly<Record<"backward" | "large" | "aligned", boolean>>;

const UNIFORMS: Readonly<Record<Field, UniformType>> = {
  batch: "u32",
  height: "u32",
  width: "u32",
  channels: "u32",
  outHeight: "u32",
  outWidth: "u32",
  kernelHeight: "u32",
  kernelWidth: "u32",
  stride: "u32",
  dilation: "u32",
  padding: "u32",
  columns: "u32",
  phases: "u32",
  pitch: "u32",
  across: "u32",
};

const kernels = new Map<string, Kernel<Field>>();

/**
 * Convolution with an epilogue, any stride, dilation and padding.
 *
 * @param x [B, H, W, C]
 * @param filter [KH, KW, C, O]
 * @returns [B, OH, OW, O]
 */
export function conv2d(
  x: tf.Tensor,
  filter: tf.Tensor,
  sizes: ConvSizes,
  { bias, gelu = false, residual }: Epilogue = {},
): tf.Tensor {
  const O = filter.shape[3] ?? 0;
  const { batch, outHeight, outWidth } = sizes;
  const rows = batch * outHeight * outWidth;
  const { large, across, invocations } = tiling(rows, O);
  const form = {
    large,
    aligned: sizes.channels % 4 === 0 && O % 4 === 0,
    backward: false,
    biased: bias !== undefined,
    activated: gelu,
    residual: residual !== undefined,
  };
  return tf.tidy(() => {
    const source = rowsOfTaps(x, sizes);
    return launchOne(kernelOf(form), {
      uniforms: { ...source.sizes, columns: O, phases: 1, pitch: sizes.channels, across },
      inputs: [source.x, filter, bias ?? filter, residual ?? filter],
      outputs: [{ shape: [batch, outHeight, outWidth, O] }],
      invocations,
    });
  });
}

/**
 * The gradient of a convolution with respect to its input.
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
  const rows = stride ** 2 * batch * Math.ceil(height / stride) *
    Math.ceil(width / stride);
  const { large, across, invocations } = tiling(rows, channels);
  const form = {
    large,
    aligned: channels % 4 === 0 && O % 4 === 0,
    backward: true,
    biased: false,
    activated: false,
    residual: false,
  };
  return launchOne(kernelOf(form), {
    uniforms: {
      ...sizes,
      height: outHeight,
      width: outWidth,
      channels: O,
      outHeight: height,
      outWidth: width,
      columns: channels,
      phases: stride,
      pitch: O,
      across,
    },
    inputs: [dy, filter, filter, filter],
    outputs: [{ shape: [batch, height, width, channels] }],
    invocations,
  });
}

function kernelOf(form: Form): Kernel<Field> {
  const on = Object.entries(form).filter(([, is]) => is).map(([name]) => name);
  const name = ["conv2d", ...on].join(" ");
  const known = kernels.get(name);
  if (known !== undefined) return known;
  const made: Kernel<Field> = {
    name,
    shader: (form.aligned ? aligned : unaligned) + epilogue + sums + shader,
    constants: {
      large: Number(form.large),
      backward: Number(form.backward),
      biased: Number(form.biased),
      activated: Number(form.activated),
      residual_added: Number(form.residual),
    },
    uniforms: UNIFORMS,
    twin(sizes, inputs, outputs) {
      const [product] = outputs as [Cells];
      const cells = inputs as [Cells, Cells, Cells, Cells];
      if (!form.backward) return conv2dReference(cells, product, sizes, form);
      const forward = {
        ...sizes,
        height: sizes.outHeight,
        width: sizes.outWidth,
        channels: sizes.columns,
        outHeight: sizes.height,
        outWidth: sizes.width,
      };
      conv2dInputGradientReference([cells[0], cells[1]], product, forward);
    },
  };
  kernels.set(name, made);
  return made;
}
