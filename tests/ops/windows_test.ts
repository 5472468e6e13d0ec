import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import { joinWindows, splitWindows, windowSizes } from "../../src/ops/windows.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

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
  return [1, 2].reduce((turned, axis) => {
    const side = turned.shape[axis] ?? 0;
    const [front, back] = tf.split(turned, [shift, side - shift], axis);
    return shift === 0 ? turned : tf.concat([back, front] as tf.Tensor4D[], axis);
  }, x);
}

onEachBackend("splitWindows() pads, rolls and cuts", async () => {
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
    const cells = tf.reshape(rolled(padded, shift), [
      2,
      rows,
      window,
      columns,
      window,
      3,
    ]);
    const expected = tf.reshape(
      tf.transpose(cells, [0, 1, 3, 2, 4, 5]),
      [2 * rows * columns, window ** 2, 3],
    );
    await assertClose(splitWindows(x, sizes), expected, 0, `${H}×${W}`);
  }
});

onEachBackend("joinWindows() undoes splitWindows()", async () => {
  for (const [H, W, window, shift] of CASES) {
    const x = map(H, W);
    const sizes = windowSizes(x, window, shift);
    await assertClose(joinWindows(splitWindows(x, sizes), sizes), x, 0, `${H}×${W}`);
  }
});

onEachBackend("windows have the gradients of finite differences", async () => {
  const x = map(5, 3);
  const sizes = windowSizes(x, 4, 1);
  await assertGradients((x) => splitWindows(x as tf.Tensor4D, sizes), [x]);
  const windows = randomTensor<tf.Rank.R3>([4, 16, 3], "windows");
  await assertGradients((all) => joinWindows(all as tf.Tensor3D, sizes), [windows]);
});

onEachBackend("windows keep nothing but their result", () => {
  const x = map(5, 3);
  const sizes = windowSizes(x, 2, 1);
  const windows = splitWindows(x, sizes);
  assert.equal(tensorsKeptBy(() => splitWindows(x, sizes)), 1);
  assert.equal(tensorsKeptBy(() => joinWindows(windows, sizes)), 1);
});

onEachBackend("windowSizes() refuses a shift of a whole window", () => {
  assert.throws(() => windowSizes(map(4, 4), 2, 2), {
    name: "RangeError",
    message: 'Cannot cut maps into windows: "window" must be positive and "shift" ' +
      "smaller: received 2 and 2",
  });
});
