import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { gramMatrix, sumOfOuterProducts } from "../../src/ops/outer_products.ts";
import { onEachBackend } from "../support/backends.ts";
import {
  assertAccurate,
  assertClose,
  assertGradients,
  randomTensor,
  tensorsKeptBy,
} from "../support/compare.ts";

async function exactSum(a: tf.Tensor2D, b: tf.Tensor2D): Promise<Float64Array> {
  const [rows, I] = a.shape;
  const O = b.shape[1];
  const [left, right] = [await a.data(), await b.data()];
  const sums = new Float64Array(I * O);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < I; i++) {
      for (let o = 0; o < O; o++) {
        sums[i * O + o] = (sums[i * O + o] ?? 0) +
          (left[r * I + i] ?? NaN) * (right[r * O + o] ?? NaN);
      }
    }
  }
  return sums;
}

onEachBackend("sumOfOuterProducts() is accurate over many rows", async () => {
  // One float32 sum over these rows is off by 6e-7.
  const a = randomTensor<tf.Rank.R2>([1152, 64], "a");
  const b = randomTensor<tf.Rank.R2>([1152, 32], "b");
  await assertAccurate(sumOfOuterProducts(a, b), await exactSum(a, b), 3.5e-7);
});

for (const rows of [1, 255, 256, 257, 509, 513, 1021]) {
  onEachBackend(`sumOfOuterProducts() equals matMul over ${rows} rows`, async () => {
    const a = randomTensor<tf.Rank.R2>([rows, 3], "a");
    const b = randomTensor<tf.Rank.R2>([rows, 5], "b");
    await assertClose(sumOfOuterProducts(a, b), tf.matMul(a, b, true, false), 1e-5);
  });
}

onEachBackend("gramMatrix() matches finite-difference gradients", async () => {
  const x = randomTensor<tf.Rank.R3>([2, 7, 4], "x");
  await assertGradients((x) => gramMatrix(x as tf.Tensor3D), [x]);
});

onEachBackend(
  "gramMatrix() is accurate over many rows",
  async () => {
    const [N, C] = [4096, 5];
    const x = tf.abs(randomTensor<tf.Rank.R3>([1, N, C], "rows"));
    const values = await readBack(x);
    const exact = new Float64Array(C * C);
    exact.forEach((_, at) => {
      const [i, j] = [Math.floor(at / C), at % C];
      for (let n = 0; n < N; n++) {
        exact[at] = (exact[at] ?? 0) +
          (values[n * C + i] ?? 0) * (values[n * C + j] ?? 0);
      }
    });
    // One plain float32 sum is off by 1e-6 and more.
    await assertAccurate(gramMatrix(x), exact, 3e-7);
  },
);

onEachBackend("gramMatrix() leaks no tensors", () => {
  const x = randomTensor<tf.Rank.R3>([2, 7, 4], "x");
  assert.equal(tensorsKeptBy(() => gramMatrix(x)), 1);
});
