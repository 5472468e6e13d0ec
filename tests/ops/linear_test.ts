import * as tf from "../../src/core/tf.ts";
import { linear } from "../../src/ops/linear.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";

onEachBackend("linear() matches finite-difference gradients", async () => {
  const x = randomTensor<tf.Rank.R3>([2, 7, 5], "x");
  const weight = randomTensor<tf.Rank.R2>([5, 4], "weight");
  const bias = randomTensor<tf.Rank.R1>([4], "bias");
  await assertGradients(
    (x, weight, bias) => linear(x as tf.Tensor, weight as tf.Tensor, bias),
    [x, weight, bias],
  );
});

onEachBackend(
  "tf.matMul() with a long transposed factor equals an explicit transpose",
  async () => {
    // tfjs's split-K path on webgpu forgets the transposition.
    const a = randomTensor<tf.Rank.R2>([32, 4096], "a");
    const b = randomTensor<tf.Rank.R2>([32, 4096], "b");
    const expected = tf.matMul(a, tf.transpose(b));
    await assertClose(tf.matMul(a, b, false, true), expected, 1e-5);
  },
);
