import * as tf from "../../src/core/tf.ts";
import type { WindowSizes } from "../../src/ops/window_partition/window_partition.ts";

export type { WindowSizes } from "../../src/ops/window_partition/window_partition.ts";

/** How maps are cut, see the operation that this stands for. */
export function windowSizes(x: tf.Tensor4D, window: number, shift: number): WindowSizes {
  const [, height, width, channels] = x.shape;
  const rows = Math.ceil(height / window);
  const columns = Math.ceil(width / window);
  return { height, width, channels, window, shift, rows, columns };
}

/** Pads, rolls, and moves axes. */
export function windowPartition(x: tf.Tensor4D, sizes: WindowSizes): tf.Tensor3D {
  const { height, width, channels: C, window: w, shift, rows, columns } = sizes;
  const [B] = x.shape;
  return tf.tidy(() => {
    const [down, right] = [rows * w - height, columns * w - width];
    const padded = tf.pad(x, [[0, 0], [0, down], [0, right], [0, 0]]);
    const rolled = roll(roll(padded, 1, shift), 2, shift);
    const blocks = tf.reshape(rolled, [B, rows, w, columns, w, C]);
    const moved = tf.transpose(blocks, [0, 1, 3, 2, 4, 5]); // [B, R, S, w, w, C]
    return tf.reshape(moved, [B * rows * columns, w ** 2, C]);
  });
}

/** The same backwards. */
export function windowReverse(windows: tf.Tensor3D, sizes: WindowSizes): tf.Tensor4D {
  const { height, width, channels: C, window: w, shift, rows, columns } = sizes;
  const B = windows.shape[0] / (rows * columns);
  return tf.tidy(() => {
    const blocks = tf.reshape(windows, [B, rows, columns, w, w, C]);
    const moved = tf.transpose(blocks, [0, 1, 3, 2, 4, 5]); // [B, R, w, S, w, C]
    const rolled = tf.reshape<tf.Rank.R4>(moved, [B, rows * w, columns * w, C]);
    const padded = roll(roll(rolled, 1, rows * w - shift), 2, columns * w - shift);
    return tf.slice4d(padded, [0, 0, 0, 0], [B, height, width, C]);
  });
}

// Element i of an axis comes from i + by.
function roll(x: tf.Tensor4D, axis: 1 | 2, by: number): tf.Tensor4D {
  const length = x.shape[axis];
  if (by % length === 0) return x;
  const [first, rest] = tf.split(x, [by, length - by], axis) as [
    tf.Tensor4D,
    tf.Tensor4D,
  ];
  return tf.concat([rest, first], axis);
}
