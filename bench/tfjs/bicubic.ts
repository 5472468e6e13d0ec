import * as tf from "../../src/core/tf.ts";
import type { BicubicOptions } from "../../src/ops/bicubic/bicubic.ts";
import { bicubicWeightsReference } from "../../src/ops/bicubic/reference.ts";
import { alongAxis } from "./along_axis.ts";

/** Products with two matrices, which are made on the host. */
export function resizeBicubic(
  x: tf.Tensor3D,
  [height, width]: readonly [number, number],
  { offset = 0, antialias = false }: BicubicOptions = {},
): tf.Tensor3D {
  const [H, W] = x.shape;
  const options = { offset, antialias: Number(antialias) };
  const weightsOf = (
    inputs: number,
    outputs: number,
    [acrossInputs, acrossOutputs]: readonly [number, number],
  ) => {
    const weights = new Float32Array(outputs * inputs);
    const sizes = { inputs, outputs, acrossInputs, acrossOutputs };
    bicubicWeightsReference({ weights }, { ...sizes, ...options });
    return tf.transpose(tf.tensor2d(weights, [outputs, inputs]));
  };
  return tf.tidy(() => {
    const rows = alongAxis(x, 0, weightsOf(H, height, [W, width]));
    return alongAxis(rows, 1, weightsOf(W, width, [H, height])) as tf.Tensor3D;
  });
}
