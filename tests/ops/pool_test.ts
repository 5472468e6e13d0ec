import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { adaptiveAveragePool, averagePool } from "../../src/ops/pool/average_pool.ts";
import { maxPool } from "../../src/ops/pool/max_pool.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

onEachBackend("averagePool() equals tfjs without padding", async () => {
  const x = randomTensor<tf.Rank.R4>([2, 9, 7, 3]);
  const expected = tf.avgPool(x, 3, 2, "valid");
  await assertClose(averagePool(x, { window: 3, stride: 2 }), expected, 1e-6);
});

onEachBackend("averagePool() matches finite-difference gradients", async () => {
  for (
    const options of [{ window: 4 }, { window: 3, stride: 2 }, { window: 2, stride: 3 }]
  ) {
    await assertGradients((x) => averagePool(x as tf.Tensor4D, options), [
      randomTensor<tf.Rank.R4>([2, 9, 7, 3]),
    ]);
  }
});

onEachBackend("adaptiveAveragePool() to 1×1 equals the mean", async () => {
  const x = randomTensor<tf.Rank.R4>([2, 9, 7, 3]);
  const expected = tf.mean(x, [1, 2], true);
  await assertClose(adaptiveAveragePool(x, [1, 1]), expected, 1e-5);
});

onEachBackend(
  "adaptiveAveragePool() overlaps bins for indivisible sizes",
  async () => {
    const x = tf.tensor4d([1, 2, 4], [1, 1, 3, 1]);
    await assertClose(adaptiveAveragePool(x, [1, 2]), [1.5, 3], 1e-7);
  },
);

onEachBackend(
  "adaptiveAveragePool() matches finite-difference gradients",
  async () => {
    for (const size of [[1, 1], [2, 3], [6, 6]] as const) {
      await assertGradients((x) => adaptiveAveragePool(x as tf.Tensor4D, size), [
        randomTensor<tf.Rank.R4>([2, 7, 5, 3]),
      ]);
    }
  },
);

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

onEachBackend("maxPool() ignores padding", async () => {
  const x = tf.fill([1, 3, 3, 1], -5) as tf.Tensor4D;
  const y = maxPool(x, { window: 3, stride: 2, padding: 1 });
  await assertClose(y, tf.fill([1, 2, 2, 1], -5), 0);
});

onEachBackend("maxPool() with ceil rounds like PyTorch's", () => {
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

onEachBackend("maxPool() finds the maximum of each window", async () => {
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
    const values = await readBack(x);
    const y = maxPool(x, { window, stride, padding, ceil });
    const [, outHeight, outWidth] = y.shape;
    const expected: number[] = [];
    for (let top = 0; top < outHeight; top++) {
      for (let left = 0; left < outWidth; left++) {
        const windowValues = [...values].filter((_, i) => {
          const row = Math.floor(i / width) + padding - top * stride;
          const column = i % width + padding - left * stride;
          return row >= 0 && row < window && column >= 0 && column < window;
        });
        expected.push(Math.max(...windowValues.map(Number)));
      }
    }
    await assertClose(y, expected, 0, `window ${window}, stride ${stride}`);
  }
});

onEachBackend("maxPool() matches finite-difference gradients", async () => {
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

onEachBackend("maxPool() leaks no tensors", () => {
  const x = distinct([1, 4, 4, 1]);
  assert.equal(tensorsKeptBy(() => tf.tidy(() => maxPool(x, { window: 2 }))), 1);
});

Deno.test("maxPool() rejects a window larger than the map", () => {
  const x = { shape: [1, 2, 5, 1] } as unknown as tf.Tensor4D;
  assert.throws(() => maxPool(x, { window: 3 }), {
    name: "RangeError",
    message: 'Cannot pool maps of 2×5 with "window" 3 and "padding" 0: the window must ' +
      "fit and the padding be at most half of it",
  });
});
