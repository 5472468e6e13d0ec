/** Filter gradient of a depthwise convolution. @module */
import * as tf from "../../core/tf.ts";
import { columnSum } from "../column_sum/mod.ts";
import { CONV_UNIFORMS, type ConvSizes } from "../conv_sizes.ts";
import { type Cells, type Kernel, launchOne } from "../kernel.ts";
import type { Part } from "../part.ts";
import { partOf, runsOf } from "../runs.ts";
import aligned from "../tile/gradient_aligned.wgsl" with { type: "text" };
import unaligned from "../tile/gradient_unaligned.wgsl" with { type: "text" };
import shader from "./depthwise_filter.wgsl" with { type: "text" };
import { depthwiseFilterReference } from "./reference.ts";

type Field = keyof ConvSizes | "bands" | "rowsPerBand";

// Enough to keep a large GPU busy; each band costs a copy of the filter.
const INVOCATIONS = 16_384;
// Shorter sums are not worth a band.
const PIXELS_PER_BAND = 64;

/**
 * d(loss)/d(filter) of a depthwise convolution of stride 1.
 *
 * @param x [B, H, W, C]
 * @param dy [B, OH, OW, C]
 * @param sizes Of the forward pass.
 * @returns [KH, KW, C, 1]
 */
export function depthwiseFilter(
  x: tf.Tensor,
  dy: tf.Tensor,
  sizes: ConvSizes,
): tf.Tensor {
  const { batch, channels, kernelHeight, kernelWidth } = sizes;
  return tf.tidy(() => {
    const [ofX, ofDy] = [x.size / batch, dy.size / batch];
    const sums = runsOf(batch, [ofX, ofDy]).map((run) => {
      const maps = [partOf(x, run, ofX), partOf(dy, run, ofDy)] as const;
      const parts = bands(maps, { ...sizes, batch: run.count });
      return parts.shape[0] === 1 ? parts : columnSum(parts);
    });
    const sum = sums.reduce((all, one) => tf.add(all, one));
    return tf.reshape(sum, [kernelHeight, kernelWidth, channels, 1]);
  });
}

// [bands, KH · KW · C]
function bands(maps: readonly [Part, Part], sizes: ConvSizes): tf.Tensor {
  const { batch, channels, kernelHeight, kernelWidth, outHeight, outWidth } = sizes;
  const own = Math.ceil(kernelHeight / 3) * Math.ceil(kernelWidth / 3) *
    Math.ceil(channels / 4);
  const rows = batch * outHeight;
  const least = Math.ceil(PIXELS_PER_BAND / outWidth);
  const enough = Math.ceil(rows / Math.ceil(INVOCATIONS / own));
  const rowsPerBand = tf.getBackend() === "webgpu" ? Math.max(least, enough) : rows;
  const count = Math.ceil(rows / rowsPerBand);
  return launchOne(channels % 4 === 0 ? ALIGNED : UNALIGNED, {
    uniforms: { ...sizes, bands: count, rowsPerBand },
    inputs: maps,
    outputs: [{ shape: [count, kernelHeight * kernelWidth * channels] }],
    invocations: count * own,
  });
}

const UNALIGNED: Kernel<Field> = {
  name: "depthwiseFilter",
  shader: unaligned + shader,
  uniforms: { ...CONV_UNIFORMS, bands: "u32", rowsPerBand: "u32" },
  twin(sizes, inputs, outputs) {
    const [x, dy] = inputs as [Cells, Cells];
    const [dw] = outputs as [Cells];
    // The first band takes everything, the others nothing: their sum is the same.
    dw.fill(0);
    depthwiseFilterReference(x, dy, dw.subarray(0, dw.length / sizes.bands), sizes);
  },
};

const ALIGNED = {
  ...UNALIGNED,
  name: "depthwiseFilter aligned",
  shader: aligned + shader,
};
