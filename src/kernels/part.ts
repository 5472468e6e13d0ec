import type * as tf from "../core/tf.ts";

/** Some neighbouring elements of a tensor, where the whole is more than a device binds. */
export interface Part {
  readonly tensor: tf.Tensor;
  /** The first; a multiple of 64, since devices bind at multiples of 256 bytes. */
  readonly from: number;
  /** How many. */
  readonly size: number;
}

/** The tensor that something is a part of. */
export function tensorOf(whole: tf.Tensor | Part): tf.Tensor {
  return "tensor" in whole ? whole.tensor : whole;
}
