import * as tf from "../../src/core/tf.ts";
import type { AveragePoolOptions } from "../../src/ops/pool/average_pool.ts";
import { alongAxis } from "./along_axis.ts";

/** tfjs's own, whose gradient is right where nothing is padded. */
export function averagePool(
  x: tf.Tensor4D,
  { window, stride = window }: AveragePoolOptions,
): tf.Tensor4D {
  return tf.avgPool(x, window, stride, "valid");
}

/** A matrix of means per axis. */
export function adaptiveAveragePool(
  x: tf.Tensor4D,
  [height, width]: readonly [number, number],
): tf.Tensor4D {
  return tf.tidy(() => {
    const rows = alongAxis(x, 1, means(x.shape[1], height));
    return alongAxis(rows, 2, means(x.shape[2], width)) as tf.Tensor4D;
  });
}

// 1 / size where a bin covers a pixel. [in, out]
function means(inputs: number, outputs: number): tf.Tensor2D {
  const values = new Float32Array(inputs * outputs);
  for (let o = 0; o < outputs; o++) {
    const from = Math.floor(o * inputs / outputs);
    const to = Math.ceil((o + 1) * inputs / outputs);
    for (let i = from; i < to; i++) values[i * outputs + o] = 1 / (to - from);
  }
  return tf.tensor2d(values, [inputs, outputs]);
}
