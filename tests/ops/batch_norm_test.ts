import * as tf from "../../src/core/tf.ts";
import {
  batchMoments,
  batchNorm,
  frozenBatchNorm,
} from "../../src/ops/batch_norm/batch_norm.ts";
import {
  assertAccurate,
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";

const EPSILON = 1e-5;

const affine = (scale?: tf.Tensor, shift?: tf.Tensor) => ({
  scale: scale ?? tf.ones([7]),
  shift: shift ?? tf.zeros([7]),
  epsilon: EPSILON,
});

function example() {
  const x = randomTensor<tf.Rank.R4>([2, 5, 3, 7], "x");
  const scale = randomTensor<tf.Rank.R1>([7], "scale");
  const shift = randomTensor<tf.Rank.R1>([7], "shift");
  const mean = randomTensor<tf.Rank.R1>([7], "mean");
  const variance = tf.add(tf.abs(randomTensor<tf.Rank.R1>([7], "variance")), 0.5);
  return { x, scale, shift, frozen: { mean, variance } };
}

onEachBackend("batchNorm() gives each channel mean 0 and variance 1", async () => {
  const { x } = example();
  const y = batchNorm(
    x,
    { scale: tf.ones([7]), shift: tf.zeros([7]), epsilon: 0 },
    batchMoments(x),
  );
  const { mean, variance } = tf.moments(y, [0, 1, 2]);
  await assertClose(tf.add(mean, 1), tf.ones([7]), 1e-5);
  await assertClose(variance, tf.ones([7]), 1e-5);
});

onEachBackend("batchNorm() matches finite-difference gradients", async () => {
  const { x, scale, shift } = example();
  await assertGradients(
    (x, scale, shift) => {
      const input = x as tf.Tensor;
      return batchNorm(input, affine(scale, shift), batchMoments(input));
    },
    [x, scale, shift],
  );
});

onEachBackend("frozenBatchNorm() matches finite-difference gradients", async () => {
  const { x, scale, shift, frozen } = example();
  await assertGradients(
    (x, scale, shift) => frozenBatchNorm(x as tf.Tensor, affine(scale, shift), frozen),
    [x, scale, shift],
  );
});

onEachBackend("batchMoments() is accurate for a mean far from 0", async () => {
  const [rows, C] = [2048, 8];
  const x = tf.add(randomTensor<tf.Rank.R2>([rows, C], "x"), 30);
  const values = await x.data();
  const mean = new Float64Array(C);
  const variance = new Float64Array(C);
  values.forEach((value, i) => mean[i % C] = (mean[i % C] ?? 0) + value / rows);
  values.forEach((value, i) => {
    variance[i % C] = (variance[i % C] ?? 0) + (value - (mean[i % C] ?? NaN)) ** 2 / rows;
  });
  const found = batchMoments(x);
  // Half a unit in the last place of the mean is 6e-8; without the second pass it was 1.3e-7.
  await assertAccurate(found.mean, mean, 6e-8, "mean");
  await assertAccurate(found.variance, variance, 2e-7, "variance");
});
