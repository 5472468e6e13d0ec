/** Reading `vec_*` goldens: parts of the sidecar, and tensors in our order of axes. @module */
import * as tf from "../../../src/core/tf.ts";
import * as z from "../../../src/core/zod.ts";
import { deviceTensor, type Golden, numbersOf, storedTensor } from "../golden_file.ts";

/** Axes of a tensor in the order they get here, or null to leave them. */
export type AxisOrder = readonly number[] | null;

/** [B, C, H, W] → [B, H, W, C] */
export const CHANNELS_LAST = [0, 2, 3, 1] as const;
/** [O, I, KH, KW] → [KH, KW, I, O]; right for a transposed convolution's filter, too. */
export const CONVOLUTION = [2, 3, 1, 0] as const;
/** [C, 1, KH, KW] → [KH, KW, C, 1] */
export const DEPTHWISE = [2, 3, 0, 1] as const;
/** [O, I] → [I, O] */
export const MATRIX = [1, 0] as const;

/** The order of axes that undoes another. */
export function inverseOrder(order: readonly number[]): number[] {
  return order.map((_, axis) => order.indexOf(axis));
}

/**
 * A part of the sidecar, checked.
 *
 * @throws {SyntaxError} If it does not have the shape that is asked for.
 */
export function sidecarValue<T>(golden: Golden, key: string, schema: z.ZodType<T>): T {
  const sidecar = z.record(z.string(), z.unknown()).safeParse(golden.sidecar);
  const { success, data, error } = schema.safeParse(sidecar.data?.[key]);
  if (success) return data;
  const [issue] = error.issues;
  const place = [key, ...issue?.path ?? []].join(".");
  throw new SyntaxError(
    `Cannot verify "${golden.name}": ${place} of its sidecar: ${issue?.message}`,
  );
}

/** The numbers of a tensor. @throws {RangeError} If the golden lacks it. */
export function valuesOf(golden: Golden, key: string): Float32Array | Int32Array {
  return numbersOf(storedTensor(golden, key));
}

/** The stored shape. @throws {RangeError} If the golden lacks the tensor. */
export function shapeOf(golden: Golden, key: string): readonly number[] {
  return storedTensor(golden, key).shape;
}

/** A tensor on the device with its axes in `order`; the caller owns it. */
export function orderedTensor(
  golden: Golden,
  key: string,
  order: AxisOrder = null,
): tf.Tensor {
  return tf.tidy(() => {
    const stored = deviceTensor(golden, key);
    return order === null ? stored : tf.transpose(stored, [...order]);
  });
}
