import * as tf from "../../src/core/tf.ts";
import { alongAxis } from "./along_axis.ts";

/** tfjs's resize; its gradient, wrong in tfjs, as products with two matrices. */
export function resizeBilinear(
  x: tf.Tensor4D,
  size: readonly [number, number],
  { alignCorners = false }: { alignCorners?: boolean } = {},
): tf.Tensor4D {
  const [, H, W] = x.shape;
  const [height, width] = size;
  if (H === height && W === width) return tf.clone(x);
  return tf.differentiable<tf.Tensor4D>(
    { x },
    () => tf.image.resizeBilinear(x, [height, width], alignCorners, !alignCorners),
    (dy) => ({
      x: () =>
        tf.tidy(() => {
          const rows = alongAxis(dy, 1, interpolation(H, height, alignCorners));
          return alongAxis(rows, 2, interpolation(W, width, alignCorners));
        }),
    }),
  );
}

/** tfjs's own, without half-pixel centers. */
export function resizeNearest(
  x: tf.Tensor4D,
  [height, width]: readonly [number, number],
): tf.Tensor4D {
  return tf.image.resizeNearestNeighbor(x, [height, width], false, false);
}

// What each input gives to each output. [out, in]
function interpolation(
  inputs: number,
  outputs: number,
  alignCorners: boolean,
): tf.Tensor2D {
  const values = new Float32Array(outputs * inputs);
  for (let o = 0; o < outputs; o++) {
    const place = alignCorners
      ? (outputs === 1 ? 0 : o * (inputs - 1) / (outputs - 1))
      : Math.max(0, (o + 0.5) * inputs / outputs - 0.5);
    const low = Math.min(Math.floor(place), inputs - 1);
    const high = Math.min(low + 1, inputs - 1);
    const share = place - low;
    values[o * inputs + low] = (values[o * inputs + low] ?? 0) + 1 - share;
    values[o * inputs + high] = (values[o * inputs + high] ?? 0) + share;
  }
  return tf.tensor2d(values, [outputs, inputs]);
}
