/** Depthwise convolution of stride 1 and its input gradient. @module */
import type * as tf from "../../core/tf.ts";
import { CONV_UNIFORMS, type ConvSizes } from "../conv_sizes.ts";
import type { Cells, Kernel } from "../kernel.ts";
import { launchInRuns } from "../runs.ts";
import type { Epilogue } from "../matmul/mod.ts";
import type { MatMulForm } from "../matmul/reference.ts";
import aligned from "../tile/aligned.wgsl" with { type: "text" };
import epilogue from "../tile/epilogue.wgsl" with { type: "text" };
import unaligned from "../tile/unaligned.wgsl" with { type: "text" };
import shader from "./depthwise.wgsl" with { type: "text" };
import { depthwiseReference } from "./reference.ts";

type Form =
  & Pick<MatMulForm, "biased" | "activated" | "residual">
  & Readonly<Record<"aligned" | "turned", boolean>>;

// Pixels of a row that one invocation owns.
const STRIP = 4;

const kernels = new Map<string, Kernel<keyof ConvSizes>>();

/**
 * Depthwise convolution of stride 1 with an epilogue.
 *
 * @param x [B, H, W, C]
 * @param filter [KH, KW, C, 1]
 * @returns [B, OH, OW, C]
 */
export function depthwise(
  x: tf.Tensor,
  filter: tf.Tensor,
  sizes: ConvSizes,
  { bias, gelu = false, residual }: Epilogue = {},
): tf.Tensor {
  return run(x, filter, { bias, residual }, sizes, {
    aligned: sizes.channels % 4 === 0,
    turned: false,
    biased: bias !== undefined,
    activated: gelu,
    residual: residual !== undefined,
  });
}

/**
 * The gradient of a depthwise convolution with respect to its input.
 *
 * @param dy [B, OH, OW, C]
 * @param filter [KH, KW, C, 1]
 * @param sizes Of the forward pass.
 * @returns [B, H, W, C]
 */
export function depthwiseInputGradient(
  dy: tf.Tensor,
  filter: tf.Tensor,
  sizes: ConvSizes,
): tf.Tensor {
  const { height, width, outHeight, outWidth } = sizes;
  const turned = {
    ...sizes,
    height: outHeight,
    width: outWidth,
    outHeight: height,
    outWidth: width,
  };
  return run(dy, filter, {}, turned, {
    aligned: sizes.channels % 4 === 0,
    turned: true,
    biased: false,
    activated: false,
    residual: false,
  });
}

function run(
  x: tf.Tensor,
  filter: tf.Tensor,
  { bias, residual }: Epilogue,
  sizes: ConvSizes,
  form: Form,
): tf.Tensor {
  const { batch, channels, outHeight, outWidth, dilation } = sizes;
  const strips = Math.ceil(outWidth / (STRIP * dilation)) * dilation;
  const out = outHeight * outWidth * channels;
  return launchInRuns(kernelOf(form), {
    count: batch,
    inputs: [
      [x, x.size / batch],
      [filter],
      [bias ?? filter],
      residual ? [residual, out] : [filter],
    ],
    output: [[batch, outHeight, outWidth, channels], out],
    call: ({ count }) => ({
      uniforms: { ...sizes, batch: count },
      invocations: count * outHeight * strips * Math.ceil(channels / 4),
    }),
  });
}

function kernelOf(form: Form): Kernel<keyof ConvSizes> {
  const on = Object.entries(form).filter(([, is]) => is).map(([name]) => name);
  const name = ["depthwise", ...on].join(" ");
  const known = kernels.get(name);
  if (known !== undefined) return known;
  const made: Kernel<keyof ConvSizes> = {
    name,
    shader: (form.aligned ? aligned : unaligned) + epilogue + shader,
    constants: {
      turned: Number(form.turned),
      biased: Number(form.biased),
      activated: Number(form.activated),
      residual_added: Number(form.residual),
    },
    uniforms: CONV_UNIFORMS,
    twin(sizes, inputs, outputs) {
      const [product] = outputs as [Cells];
      const cells = inputs as [Cells, Cells, Cells, Cells];
      depthwiseReference(cells, product, sizes, form.turned, form);
    },
  };
  kernels.set(name, made);
  return made;
}
