/** Sizes of NHWC maps, as operations and their shaders need them. @module */
import type * as tf from "../core/tf.ts";
import type { UniformsOf } from "../gpu/kernel.ts";

/** Uniforms of a kernel that makes maps of another size; `map_element.wgsl` reads them. */
export const MAP_UNIFORMS = {
  height: "u32",
  width: "u32",
  channels: "u32",
  outHeight: "u32",
  outWidth: "u32",
} as const;

/** H, W and C of the maps that are read, OH and OW of those that are made. */
export type MapSizes = UniformsOf<typeof MAP_UNIFORMS>;

/** The sizes of maps [B, H, W, C] and of what becomes of them. */
export function mapSizes(
  { shape: [, height = 0, width = 0, channels = 0] }: tf.Tensor,
  [outHeight, outWidth]: readonly [number, number],
): MapSizes {
  return { height, width, channels, outHeight, outWidth };
}

/** The length of the last axis; 1 for a scalar. */
export function channelsOf(x: tf.Tensor): number {
  return x.shape[x.rank - 1] ?? 1;
}
