import { readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import {
  kthValue,
  NO_VALUE,
  percentile,
  percentileOfTensorFraction,
} from "../../src/ops/order_statistic/order_statistic.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";

onEachBackend("kthValue() equals sorting", async () => {
  for (const size of [1, 63, 64, 1001]) {
    const values = randomTensor<tf.Rank.R1>([size]);
    const sorted = (await readBack(values)).slice().sort();
    for (const rank of [0, size >> 1, size - 1]) {
      await assertClose(kthValue(values, rank), [sorted[rank] ?? NaN], 0);
    }
  }
});

onEachBackend("percentile() interpolates between its neighbors", async () => {
  const values = tf.tensor1d([4, -1, 2, NO_VALUE, 0, NO_VALUE]);
  await assertClose(percentile(values, 0), [-1], 0);
  await assertClose(percentile(values, 50), [1], 1e-6);
  await assertClose(percentile(values, 100), [4], 0);
  await assertClose(percentile(tf.tensor1d([NO_VALUE]), 50), [3.4e38], 1e-6);
});

onEachBackend("percentile() of equal values is that value", async () => {
  await assertClose(percentile(tf.fill([130], 0.25), 33), [0.25], 0);
});

onEachBackend(
  "percentileOfTensorFraction() equals percentile()",
  async () => {
    for (const size of [1, 64, 65]) {
      const values = randomTensor<tf.Rank.R2>([size, 3]);
      for (const fraction of [0, 0.125, 0.5, 0.9]) {
        const found = percentileOfTensorFraction(values, tf.tensor1d([fraction]));
        await assertClose(
          found,
          percentile(values, 100 * fraction),
          2e-7,
          `${size} at ${fraction}`,
        );
      }
    }
    const withMissing = tf.tensor1d([4, -1, NO_VALUE]);
    await assertClose(
      percentileOfTensorFraction(withMissing, tf.scalar(0.5)),
      [1.5],
      1e-6,
    );
  },
);
