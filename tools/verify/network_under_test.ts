import type { Encoder, Network, Weights } from "../../src/core/network.ts";
import type * as tf from "../../src/core/tf.ts";
import * as z from "../../src/core/zod.ts";

/** What a sidecar says of the images and labels of its network. */
export const IMAGES = z.object({
  batch: z.int().optional(),
  height: z.int().optional(),
  width: z.int().optional(),
  ignore_index: z.literal(255).optional(),
}).shape;

/** A network under verification, and how the reference judged it. */
export interface NetworkUnderTest {
  readonly network: Network;
  /** The encoder before its neck, if it has one; its maps are recorded as well. */
  readonly backbone?: Encoder;
  /** Of logits enlarged to the size of the labels; the caller owns it. */
  loss(
    logits: tf.Tensor,
    labels: tf.Tensor,
    options: { readonly alignCorners?: boolean },
  ): tf.Scalar;
  /** What is recorded in evaluation besides maps and logits, by name. @default none */
  extraOutputs?(
    weights: Weights,
    maps: tf.Tensor4D[],
  ): Readonly<Record<string, tf.Tensor4D>>;
}
