import * as tf from "../../src/core/tf.ts";
import { rowProduct } from "../../src/ops/row_product.ts";
import {
  assertAccurate,
  assertClose,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";

async function exactProduct(a: tf.Tensor2D, b: tf.Tensor2D): Promise<Float64Array> {
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

onEachBackend("rowProduct() is as exact over many rows as over few", async () => {
  // One float32 sum over these rows is off by 6e-7.
  const a = randomTensor<tf.Rank.R2>([1152, 64], "a");
  const b = randomTensor<tf.Rank.R2>([1152, 32], "b");
  await assertAccurate(rowProduct(a, b), await exactProduct(a, b), 3.5e-7);
});

for (const rows of [1, 255, 256, 257, 509, 513, 1021]) {
  onEachBackend(`rowProduct() multiplies ${rows} rows`, async () => {
    const a = randomTensor<tf.Rank.R2>([rows, 3], "a");
    const b = randomTensor<tf.Rank.R2>([rows, 5], "b");
    await assertClose(rowProduct(a, b), tf.matMul(a, b, true, false), 1e-5);
  });
}
