import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import { windowBias } from "../../src/ops/window_bias.ts";
import { splitWindows, windowSizes } from "../../src/ops/windows.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

const HEADS = 2;

function example(height: number, width: number, window: number, shift: number) {
  const sizes = windowSizes(tf.zeros([2, height, width, 1]), window, shift);
  const count = 2 * sizes.rows * sizes.columns;
  const shape = [count, HEADS, window ** 2, window ** 2] as const;
  return {
    sizes,
    scores: randomTensor<tf.Rank.R4>([...shape], "scores"),
    table: randomTensor<tf.Rank.R2>([(2 * window - 1) ** 2, HEADS], "table"),
  };
}

// The bias as mmsegmentation makes it: the table looked up by an index of pairs.
function lookedUp(table: tf.Tensor2D, window: number): tf.Tensor {
  const index: number[] = [];
  for (let p = 0; p < window ** 2; p++) {
    for (let q = 0; q < window ** 2; q++) {
      const down = Math.floor(p / window) - Math.floor(q / window);
      const right = p % window - q % window;
      index.push((down + window - 1) * (2 * window - 1) + right + window - 1);
    }
  }
  // A product, because the wasm backend has no gradient of gather.
  const pairs = tf.oneHot(tf.tensor1d(index, "int32"), (2 * window - 1) ** 2);
  const rows = tf.matMul(tf.cast(pairs, "float32"), table); // [N², heads]
  return tf.reshape(tf.transpose(rows), [1, HEADS, window ** 2, window ** 2]);
}

// The mask as mmsegmentation makes it: the rolled map in nine regions, cut like any map.
function mask({ rows, columns, window, shift }: ReturnType<typeof windowSizes>) {
  const [H, W] = [rows * window, columns * window];
  const band = (place: number, side: number) =>
    place < side - window ? 0 : place < side - shift ? 1 : 2;
  const regions = Float32Array.from(
    { length: H * W },
    (_, k) => 3 * band(Math.floor(k / W), H) + band(k % W, W),
  );
  const map = tf.tensor4d(regions, [1, H, W, 1]);
  // Already rolled.
  const cut = splitWindows(map, windowSizes(map, window, 0)); // [R·S, N, 1]
  const N = window ** 2;
  const differ = tf.notEqual(cut, tf.reshape(cut, [-1, 1, N]));
  return tf.mul(tf.reshape(tf.cast(differ, "float32"), [-1, 1, N, N]), -100);
}

onEachBackend("windowBias() adds the table's entries and the mask", async () => {
  const cases = [[8, 8, 4, 2], [9, 6, 4, 1], [3, 5, 3, 1], [2, 3, 3, 1], [4, 2, 2, 0]];
  for (const [H = 0, W = 0, window = 0, shift = 0] of cases) {
    const { sizes, scores, table } = example(H, W, window, shift);
    const both = tf.tile(mask(sizes), [2, 1, 1, 1]); // windows of two images
    const masked = shift === 0 ? tf.zerosLike(both) : both;
    const expected = tf.add(tf.add(scores, lookedUp(table, window)), masked);
    const found = windowBias(scores, table, sizes);
    await assertClose(found, expected, 1e-6, `${H}×${W}`);
  }
});

onEachBackend("windowBias() has the gradients of finite differences", async () => {
  for (const shift of [0, 1]) {
    const { sizes, scores, table } = example(4, 5, 3, shift);
    // The mask is constant and too large for differences of float32.
    const f = (scores: tf.Tensor, table: tf.Tensor) =>
      tf.tanh(tf.mul(
        windowBias(scores as tf.Tensor4D, table as tf.Tensor2D, sizes),
        0.1,
      ));
    await assertGradients(f, [scores, table]);
  }
});

onEachBackend("windowBias() adds up a table's gradient as a lookup does", async () => {
  const { sizes, scores, table } = example(9, 5, 4, 0);
  const dy = randomTensor<tf.Rank.R4>(scores.shape, "dy");
  const own = tf.grad((table) => windowBias(scores, table as tf.Tensor2D, sizes));
  const other = tf.grad((table) =>
    tf.add(scores, lookedUp(table as tf.Tensor2D, sizes.window))
  );
  await assertClose(own(table, dy), other(table, dy), 2e-6);
});

onEachBackend("windowBias() keeps nothing but its result", () => {
  const { sizes, scores, table } = example(4, 4, 2, 1);
  assert.equal(tensorsKeptBy(() => windowBias(scores, table, sizes)), 1);
});

onEachBackend("windowBias() refuses a table of another window", () => {
  const { sizes, scores } = example(4, 4, 2, 1);
  assert.throws(() => windowBias(scores, tf.zeros([25, HEADS]), sizes), {
    name: "RangeError",
    message: /"table" must be \[9, 2\]: received \[25,2\]/,
  });
});
