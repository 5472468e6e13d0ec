import * as tf from "../../src/core/tf.ts";
import { windowBiasReference } from "../../src/kernels/window_bias/reference.ts";
import type { WindowSizes } from "../../src/ops/windows.ts";
import { relativeBias } from "./relative_bias.ts";

// As a network keeps them: made once per size of its maps.
const masks = new Map<string, Float32Array>();

/** Scores plus looked-up biases plus a constant mask. */
export function windowBias(
  scores: tf.Tensor4D,
  table: tf.Tensor2D,
  { window, shift, rows, columns }: WindowSizes,
): tf.Tensor4D {
  const [count, heads, pixels] = scores.shape;
  return tf.tidy(() => {
    const bias = relativeBias(table, [window, window], [window, window]);
    const biased = tf.add<tf.Tensor4D>(scores, bias);
    if (shift === 0) return biased;
    const mask = tf.tensor(
      maskOf({ window, shift, rows, columns }),
      [1, rows * columns, 1, pixels, pixels],
    );
    const images = count / (rows * columns);
    const grouped = tf.reshape(biased, [images, rows * columns, heads, pixels, pixels]);
    return tf.reshape(tf.add(grouped, mask), scores.shape);
  });
}

function maskOf(sizes: Pick<WindowSizes, "window" | "shift" | "rows" | "columns">) {
  const key = JSON.stringify(sizes);
  const known = masks.get(key);
  if (known !== undefined) return known;
  const { window, rows, columns } = sizes;
  const zeros = new Float32Array(rows * columns * window ** 4);
  const mask = new Float32Array(zeros.length);
  const noBias = new Float32Array((2 * window - 1) ** 2);
  windowBiasReference(zeros, noBias, mask, { ...sizes, heads: 1 });
  masks.set(key, mask);
  return mask;
}
