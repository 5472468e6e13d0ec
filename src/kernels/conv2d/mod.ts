/** Convolution and its input gradient as implicit products of matrices. @module */
import * as tf from "../../core/tf.ts";
import type { ConvSizes } from "../conv_sizes.ts";
import type { Cells, Kernel, UniformType } from "../kernel.ts";
import { launchInRuns } from "../runs.ts";
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
  const { batch, channels, outHeight, outWidth } = sizes;
  const { large, across } = tiling(batch * outHeight * outWidth, O);
  const form = {
    large,
    aligned: channels % 4 === 0 && O % 4 === 0,
    backward: false,
    biased: bias !== undefined,
    activated: gelu,
    residual: residual !== undefined,
  };
  const out = outHeight * outWidth * O;
  return tf.tidy(() => {
    const source = rowsOfTaps(x, sizes);
    return launchInRuns(kernelOf(form), {
      count: batch,
      inputs: [
        [source.x, source.x.size / batch],
        [filter],
        [bias ?? filter],
        residual ? [residual, out] : [filter],
      ],
      output: [[batch, outHeight, outWidth, O], out],
      call: ({ count }) => ({
        uniforms: {
          ...source.sizes,
          batch: count,
          columns: O,
          phases: 1,
          pitch: channels,
          across,
        },
        invocations: tiling(count * outHeight * outWidth, O, large).invocations,
      }),
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
  // Those of one image, each phase filled up to the largest.
  const rows = stride ** 2 * Math.ceil(height / stride) * Math.ceil(width / stride);
  const { large, across } = tiling(batch * rows, channels);
  const form = {
    large,
    aligned: channels % 4 === 0 && O % 4 === 0,
    backward: true,
    biased: false,
    activated: false,
    residual: false,
  };
  return launchInRuns(kernelOf(form), {
    count: batch,
    inputs: [[dy, outHeight * outWidth * O], [filter], [filter], [filter]],
    output: [[batch, height, width, channels], height * width * channels],
    call: ({ count }) => ({
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
        across,
      },
      invocations: tiling(count * rows, channels, large).invocations,
    }),
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
