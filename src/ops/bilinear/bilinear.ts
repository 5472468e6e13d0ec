// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
/** Where an upsampled map reads the map it comes from, on the host; see bilinear.wgsl. @module */
import type * as tf from "../../core/tf.ts";
import type { TypedArray, UniformsOf } from "../../gpu/kernel.ts";
import { MAP_UNIFORMS, mapSizes } from "../map_sizes.ts";

/** Uniforms of a bilinear resize; `alignCorners` is 1, or 0 for half-pixel centers. */
export const BILINEAR_UNIFORMS = { ...MAP_UNIFORMS, alignCorners: "u32" } as const;

/** Sizes of one bilinear resize of NHWC maps. */
export type BilinearSizes = UniformsOf<typeof BILINEAR_UNIFORMS>;

/** Which convention a resize follows, as PyTorch's `interpolate` has it. */
export interface BilinearOptions {
  /**
   * Whether the centers of the corner pixels coincide, instead of the corners of the maps.
   * @default {false}
   */
  readonly alignCorners?: boolean;
}

/** The sizes of a resize of maps [B, H, W, C]. */
export function bilinearSizes(
  x: tf.Tensor,
  size: readonly [number, number],
  { alignCorners = false }: BilinearOptions,
): BilinearSizes {
  return { ...mapSizes(x, size), alignCorners: Number(alignCorners) };
}

/** For each output of an axis: the lower input, the upper input, the weight of the upper. */
export interface BilinearTaps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly weight: Float64Array;
}

/** What each output of an axis reads. */
function bilinearTaps(
  inputs: number,
  outputs: number,
  alignCorners: number,
): BilinearTaps {
  const low = new Int32Array(outputs);
  const high = new Int32Array(outputs);
  const weight = new Float64Array(outputs);
  for (let t = 0; t < outputs; t++) {
    const source = alignCorners === 1
      ? (outputs === 1 ? 0 : t * (inputs - 1) / (outputs - 1))
      : Math.max((t + 0.5) * inputs / outputs - 0.5, 0);
    low[t] = Math.min(Math.floor(source), inputs - 1);
    high[t] = Math.min(low[t]! + 1, inputs - 1);
    weight[t] = low[t] === inputs - 1 ? 0 : source - low[t]!;
  }
  return { low, high, weight };
}

/** What each column of the output reads. */
export function columnTaps({ width, outWidth, alignCorners }: BilinearSizes) {
  return bilinearTaps(width, outWidth, alignCorners);
}

/** An output row: where its two input rows start, and the weight of the lower one. */
export interface UpsampledRow {
  readonly upper: number;
  readonly lower: number;
  readonly weight: number;
}

/** All rows of the outputs of `images` maps, in order. */
export function* upsampledRows(
  { height, width, channels, outHeight, alignCorners }: BilinearSizes,
  images: number,
): Generator<UpsampledRow> {
  const rows = bilinearTaps(height, outHeight, alignCorners);
  const length = width * channels;
  for (let b = 0; b < images; b++) {
    for (let row = 0; row < outHeight; row++) {
      yield {
        upper: (b * height + rows.low[row]!) * length,
        lower: (b * height + rows.high[row]!) * length,
        weight: rows.weight[row]!,
      };
    }
  }
}

/** line = (1 − weight) · upper row + weight · lower row. */
export function lerpRows(
  x: TypedArray,
  { upper, lower, weight }: UpsampledRow,
  line: Float64Array,
): void {
  for (let i = 0; i < line.length; i++) {
    const above = x[upper + i]!;
    line[i] = above + (x[lower + i]! - above) * weight;
  }
}

/** pixel = the channels of an output column, from a line of {@linkcode lerpRows}. */
export function lerpColumns(
  line: Float64Array,
  taps: BilinearTaps,
  col: number,
  pixel: Float64Array,
): void {
  const C = pixel.length;
  const left = taps.low[col]! * C;
  const right = taps.high[col]! * C;
  const weight = taps.weight[col]!;
  for (let c = 0; c < C; c++) {
    pixel[c] = line[left + c]! + (line[right + c]! - line[left + c]!) * weight;
  }
}
