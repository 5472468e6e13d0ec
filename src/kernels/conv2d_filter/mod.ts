/** Filter gradient of a convolution. @module */
import * as tf from "../../core/tf.ts";
import { columnSum } from "../column_sum/mod.ts";
import { conv2dFilterGradientReference } from "../conv2d/reference.ts";
import { rowsOfTaps } from "../conv2d/rows_of_taps.ts";
import { CONV_UNIFORMS, type ConvSizes } from "../conv_sizes.ts";
import { type Cells, type Kernel, launchOne } from "../kernel.ts";
import type { Part } from "../part.ts";
import { partOf, runsOf } from "../runs.ts";
import { tiling } from "../tile/shape.ts";
import sums from "../tile/sums.wgsl" with { type: "text" };
import aligned from "../tile/gradient_aligned.wgsl" with { type: "text" };
import shader from "./conv2d_filter.wgsl" with { type: "text" };
import unaligned from "../tile/gradient_unaligned.wgsl" with { type: "text" };

type Field = keyof ConvSizes | "columns" | "pitch" | "across" | "shares" | "rowsPerShare";

// Enough to keep a large GPU busy; each share costs a copy of the filter.
const INVOCATIONS = 16_384;
// Shorter sums are not worth a share.
const PIXELS_PER_SHARE = 256;

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
  const { batch, kernelHeight, kernelWidth, channels } = sizes;
  return tf.tidy(() => {
    const source = rowsOfTaps(x, sizes);
    const [ofX, ofDy] = [source.x.size / batch, dy.size / batch];
    const sums = runsOf(batch, [ofX, ofDy]).map((run) => {
      const maps = [partOf(source.x, run, ofX), partOf(dy, run, ofDy)] as const;
      const parts = shares(maps, { ...source.sizes, batch: run.count }, channels, O);
      return parts.shape[0] === 1 ? parts : columnSum(parts);
    });
    const sum = sums.reduce((all, one) => tf.add(all, one));
    return tf.reshape(sum, [kernelHeight, kernelWidth, channels, O]);
  });
}

// [shares, KH · KW · C · O]
function shares(
  maps: readonly [Part, Part],
  sizes: ConvSizes,
  pitch: number,
  O: number,
): tf.Tensor {
  const { batch, channels: C, kernelHeight, kernelWidth, outHeight, outWidth } = sizes;
  const taps = kernelHeight * kernelWidth;
  const { large, across, invocations } = tiling(C, O);
  const rows = batch * outHeight;
  const most = Math.max(1, Math.floor(rows * outWidth / PIXELS_PER_SHARE));
  const wanted = Math.min(most, rows, Math.ceil(INVOCATIONS / (taps * invocations)));
  const rowsPerShare = Math.ceil(rows / wanted);
  const count = Math.ceil(rows / rowsPerShare);
  const isAligned = C % 4 === 0 && pitch % 4 === 0 && O % 4 === 0;
  return launchOne(kernelOf(isAligned, large), {
    uniforms: { ...sizes, columns: O, pitch, across, shares: count, rowsPerShare },
    inputs: maps,
    outputs: [{ shape: [count, taps * C * O] }],
    invocations: count * taps * invocations,
  });
}

const kernels = new Map<string, Kernel<Field>>();

function kernelOf(isAligned: boolean, large: boolean): Kernel<Field> {
  const name = `conv2dFilter${isAligned ? " aligned" : ""}${large ? " large" : ""}`;
  const known = kernels.get(name);
  if (known !== undefined) return known;
  const made: Kernel<Field> = {
    name,
    shader: (isAligned ? aligned : unaligned) + sums + shader,
    constants: { large: Number(large) },
    uniforms: {
      ...CONV_UNIFORMS,
      columns: "u32",
      pitch: "u32",
      across: "u32",
      shares: "u32",
      rowsPerShare: "u32",
    },
    twin(sizes, inputs, outputs) {
      const [dw] = outputs as [Cells];
      // The first share takes everything, the others nothing: their sum is the same.
      dw.fill(0);
      const first = dw.subarray(0, dw.length / sizes.shares);
      conv2dFilterGradientReference(inputs as [Cells, Cells], first, sizes);
    },
  };
  kernels.set(name, made);
  return made;
}
