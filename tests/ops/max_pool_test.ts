import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { maxPool } from "../../src/ops/max_pool.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  tensorsKeptBy,
} from "../support/mod.ts";

// Different values, further apart than a finite difference moves them.
function distinct(shape: [number, number, number, number]): tf.Tensor4D {
  const size = shape.reduce((all, side) => all * side, 1);
  const order = createRandom(3, "distinct").sample(size, size);
  return tf.tensor4d(order.map((rank) => 0.2 * (rank - size / 2)), shape);
}

onEachBackend("maxPool() equals tfjs without padding", async () => {
  const x = distinct([2, 9, 7, 3]);
  const expected = tf.maxPool(x, 3, 2, "valid");
  await assertClose(maxPool(x, { window: 3, stride: 2 }), expected, 0);
});

onEachBackend("maxPool() never takes padding for a maximum", async () => {
  const x = tf.fill([1, 3, 3, 1], -5) as tf.Tensor4D;
  const y = maxPool(x, { window: 3, stride: 2, padding: 1 });
  await assertClose(y, tf.fill([1, 2, 2, 1], -5), 0);
});

onEachBackend("maxPool() rounds up as PyTorch does", () => {
  const pooled = (side: number, window: number, padding: number) =>
    tf.tidy(() => {
      const x = tf.zeros<tf.Rank.R4>([1, side, 3, 1]);
      return maxPool(x, { window, stride: 2, padding, ceil: true }).shape[1];
    });
  // Even sides gain a window where the other rounding makes 14 and 128.
  assert.deepEqual(
    [1, 2, 27, 28, 33, 256, 257].map((side) => pooled(side, 3, 1)),
    [1, 2, 14, 15, 17, 129, 129],
  );
  // A last window that would start beyond the map is left out.
  assert.deepEqual([4, 5].map((side) => pooled(side, 1, 0)), [2, 3]);
});

onEachBackend("maxPool() finds the largest of each window", async () => {
  const [height, width] = [8, 7];
  for (
    const { window, stride, padding = 0, ceil = false } of [
      { window: 3, stride: 2, padding: 1 },
      { window: 3, stride: 2, padding: 1, ceil: true },
      { window: 2, stride: 2, ceil: true },
      { window: 2, stride: 3 },
      { window: 1, stride: 2 },
      { window: 4, stride: 3, padding: 2, ceil: true },
    ]
  ) {
    const x = tf.sub(distinct([1, height, width, 1]), 100) as tf.Tensor4D;
    const cells = await readBack(x);
    const y = maxPool(x, { window, stride, padding, ceil });
    const [, outHeight, outWidth] = y.shape;
    const expected: number[] = [];
    for (let top = 0; top < outHeight; top++) {
      for (let left = 0; left < outWidth; left++) {
        const seen = [...cells].filter((_, i) => {
          const row = Math.floor(i / width) + padding - top * stride;
          const column = i % width + padding - left * stride;
          return row >= 0 && row < window && column >= 0 && column < window;
        });
        expected.push(Math.max(...seen.map(Number)));
      }
    }
    await assertClose(y, expected, 0, `window ${window}, stride ${stride}`);
  }
});

onEachBackend("maxPool() has the gradient of finite differences", async () => {
  for (
    const options of [
      { window: 3, stride: 2, padding: 1 },
      { window: 3, stride: 2, padding: 1, ceil: true },
      { window: 2 },
      { window: 2, stride: 3 },
    ]
  ) {
    await assertGradients((x) => maxPool(x as tf.Tensor4D, options), [
      distinct([2, 8, 7, 3]),
    ]);
  }
});

onEachBackend("maxPool() gives the gradient to the first of equal maxima", async () => {
  const x = tf.tensor4d([1, 1, 1, 1], [1, 2, 2, 1]);
  const gradient = tf.grad((x) => maxPool(x as tf.Tensor4D, { window: 2 }))(x);
  await assertClose(gradient, [1, 0, 0, 0], 0);
});

onEachBackend("maxPool() keeps nothing but its result", () => {
  const x = distinct([1, 4, 4, 1]);
  assert.equal(tensorsKeptBy(() => tf.tidy(() => maxPool(x, { window: 2 }))), 1);
});

Deno.test("maxPool() throws when the window is larger than the map", () => {
  const x = { shape: [1, 2, 5, 1] } as unknown as tf.Tensor4D;
  assert.throws(() => maxPool(x, { window: 3 }), {
    name: "RangeError",
    message: 'Cannot pool maps of 2×5 with "window" 3 and "padding" 0: the window must ' +
      "fit and the padding be at most half of it",
  });
});
