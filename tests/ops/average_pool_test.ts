import * as tf from "../../src/core/tf.ts";
import { adaptiveAveragePool, averagePool } from "../../src/ops/average_pool.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";

onEachBackend("averagePool() equals tfjs without padding", async () => {
  const x = randomTensor<tf.Rank.R4>([2, 9, 7, 3]);
  const expected = tf.avgPool(x, 3, 2, "valid");
  await assertClose(averagePool(x, { window: 3, stride: 2 }), expected, 1e-6);
});

onEachBackend("averagePool() has the gradient of finite differences", async () => {
  for (
    const options of [{ window: 4 }, { window: 3, stride: 2 }, { window: 2, stride: 3 }]
  ) {
    await assertGradients((x) => averagePool(x as tf.Tensor4D, options), [
      randomTensor<tf.Rank.R4>([2, 9, 7, 3]),
    ]);
  }
});

onEachBackend("adaptiveAveragePool() to one cell is the mean", async () => {
  const x = randomTensor<tf.Rank.R4>([2, 9, 7, 3]);
  const expected = tf.mean(x, [1, 2], true);
  await assertClose(adaptiveAveragePool(x, [1, 1]), expected, 1e-5);
});

onEachBackend(
  "adaptiveAveragePool() has overlapping bins where sizes differ",
  async () => {
    const x = tf.tensor4d([1, 2, 4], [1, 1, 3, 1]);
    await assertClose(adaptiveAveragePool(x, [1, 2]), [1.5, 3], 1e-7);
  },
);

onEachBackend(
  "adaptiveAveragePool() has the gradient of finite differences",
  async () => {
    for (const size of [[1, 1], [2, 3], [6, 6]] as const) {
      await assertGradients((x) => adaptiveAveragePool(x as tf.Tensor4D, size), [
        randomTensor<tf.Rank.R4>([2, 7, 5, 3]),
      ]);
    }
  },
);
