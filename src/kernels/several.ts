/**
 * One dispatch for several tensors: a network has hundreds of small ones, and a dispatch of
 * its own costs each more than the work on it.
 *
 * @module
 */
import * as tf from "../core/tf.ts";
import { WORKGROUP } from "./webgpu.ts";

/** Storage buffers that a shader for several tensors may bind; WebGPU promises but 8. */
const BUFFERS = 16;

/**
 * Splits work into groups of `size` for a shader that does so many at once, and the rest
 * for one that does them singly. Everywhere but on a device with enough bindings, all is
 * rest.
 */
export function groupsOf<T>(
  work: readonly T[],
  size: number,
): { readonly groups: readonly (readonly T[])[]; readonly rest: readonly T[] } {
  if (!canBindSeveral()) return { groups: [], rest: work };
  const full = work.length - work.length % size;
  const groups: T[][] = [];
  for (let i = 0; i < full; i += size) groups.push(work.slice(i, i + size));
  return { groups, rest: work.slice(full) };
}

/** A uniform for each of several tensors, under the names `<name>0`, `<name>1`, … */
export function numbered(
  name: string,
  values: readonly number[],
): Record<string, number> {
  return Object.fromEntries(values.map((value, i) => [`${name}${i}`, value]));
}

/** The types of the uniforms of {@linkcode numbered}. */
export function numberedType<T extends "u32" | "f32">(
  name: string,
  type: T,
  count: number,
): Record<string, T> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [name + i, type]));
}

/** How the invocations of one dispatch are shared out, each tensor in whole workgroups. */
export function sharesOf(sizes: readonly number[]): {
  readonly uniforms: Record<string, number>;
  readonly invocations: number;
} {
  let invocations = 0;
  const ends = sizes.map((size) =>
    invocations += Math.ceil(size / WORKGROUP) * WORKGROUP
  );
  return {
    uniforms: { ...numbered("end", ends), ...numbered("count", sizes) },
    invocations,
  };
}

function canBindSeveral(): boolean {
  if (tf.getBackend() !== "webgpu") return false;
  // Private in the types.
  const { device } = tf.backend() as unknown as { device: GPUDevice };
  return device.limits.maxStorageBuffersPerShaderStage >= BUFFERS;
}
