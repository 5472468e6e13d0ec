import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import {
  windowPartition,
  windowReverse,
  windowSizes,
} from "../../src/ops/window_partition/window_partition.ts";
import { onEachBackend } from "../support/backends.ts";
import {
  assertClose,
  assertGradients,
  randomTensor,
  tensorsKeptBy,
} from "../support/compare.ts";

// Height, width, window, shift: whole and partial windows, maps smaller than a window.
const CASES = [
  [8, 4, 4, 0],
  [8, 8, 4, 2],
  [9, 6, 4, 1],
  [3, 5, 4, 3],
  [2, 3, 7, 3],
  [3, 2, 1, 0],
] as const;

const map = (height: number, width: number) =>
  randomTensor<tf.Rank.R4>([2, height, width, 3], "map");

// torch.roll by (−shift, −shift).
function rolled(x: tf.Tensor4D, shift: number): tf.Tensor4D {
  return [1, 2].reduce((shifted, axis) => {
    const side = shifted.shape[axis] ?? 0;
    const [front, back] = tf.split(shifted, [shift, side - shift], axis);
    return shift === 0 ? shifted : tf.concat([back, front] as tf.Tensor4D[], axis);
  }, x);
}

onEachBackend("windowPartition() pads, rolls and partitions", async () => {
  for (const [H, W, window, shift] of CASES) {
    const x = map(H, W);
    const sizes = windowSizes(x, window, shift);
    const { rows, columns } = sizes;
    const padded = tf.pad(x, [
      [0, 0],
      [0, rows * window - H],
      [0, columns * window - W],
      [0, 0],
    ]);
    const blocks = tf.reshape(rolled(padded, shift), [
      2,
      rows,
      window,
      columns,
      window,
      3,
    ]);
    const expected = tf.reshape(
      tf.transpose(blocks, [0, 1, 3, 2, 4, 5]),
      [2 * rows * columns, window ** 2, 3],
    );
    await assertClose(windowPartition(x, sizes), expected, 0, `${H}×${W}`);
  }
});

onEachBackend("windowReverse() inverts windowPartition()", async () => {
  for (const [H, W, window, shift] of CASES) {
    const x = map(H, W);
    const sizes = windowSizes(x, window, shift);
    await assertClose(windowReverse(windowPartition(x, sizes), sizes), x, 0, `${H}×${W}`);
  }
});

onEachBackend(
  "windowPartition() and windowReverse() match finite-difference gradients",
  async () => {
    const x = map(5, 3);
    const sizes = windowSizes(x, 4, 1);
    await assertGradients((x) => windowPartition(x as tf.Tensor4D, sizes), [x]);
    const windows = randomTensor<tf.Rank.R3>([4, 16, 3], "windows");
    await assertGradients((windows) => windowReverse(windows as tf.Tensor3D, sizes), [
      windows,
    ]);
  },
);

onEachBackend("windowPartition() and windowReverse() leak no tensors", () => {
  const x = map(5, 3);
  const sizes = windowSizes(x, 2, 1);
  const windows = windowPartition(x, sizes);
  assert.equal(tensorsKeptBy(() => windowPartition(x, sizes)), 1);
  assert.equal(tensorsKeptBy(() => windowReverse(windows, sizes)), 1);
});

onEachBackend("windowSizes() rejects a shift of a whole window", () => {
  assert.throws(() => windowSizes(map(4, 4), 2, 2), {
    name: "RangeError",
    message: 'Cannot cut maps into windows: "window" must be positive and "shift" ' +
      "smaller: received 2 and 2",
  });
});
