import assert from "node:assert/strict";
import { EVALUATION } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { patchMerging } from "../../src/layers/patch_merging.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";

const { parameters, apply } = patchMerging("merge", 2);

const run = (x: tf.Tensor, ...values: tf.Tensor[]) => {
  const weights = new Map(parameters.map(({ name }, i) => [name, values[i] ?? x]));
  return apply(weights, x as tf.Tensor4D, EVALUATION);
};

onEachBackend("patchMerging() orders channels as PyTorch's unfold", async () => {
  const { shape: [wide = 0, outputs = 0] } = parameters[2] ?? assert.fail();
  const cell = tf.tensor4d([0, 1, 2, 3, 4, 5, 6, 7], [1, 2, 2, 2]); // row, column, channel
  // The first four of the eight channels are the first channel of the four pixels.
  const first = tf.slice(tf.eye(wide), [0, 0], [wide, outputs]);
  const merged = run(cell, tf.ones([wide]), tf.zeros([wide]), first);
  const values = [0, 2, 4, 6, 1, 3, 5, 7];
  const spread = Math.sqrt(
    values.reduce((sum, v) => sum + (v - 3.5) ** 2, 0) / wide + 1e-5,
  );
  const expected = values.slice(0, outputs).map((value) => (value - 3.5) / spread);
  await assertClose(merged, expected, 1e-5);
});

onEachBackend("patchMerging() has the gradients of finite differences", async () => {
  const values = parameters.map(({ name, shape }) =>
    randomTensor(shape as tf.ShapeMap[tf.Rank], name)
  );
  for (const [H, W] of [[4, 2], [3, 5]] as const) {
    const x = randomTensor<tf.Rank.R4>([2, H, W, 2], "x");
    assert.deepEqual(run(x, ...values).shape, [2, Math.ceil(H / 2), Math.ceil(W / 2), 4]);
    await assertGradients(run, [x, ...values]);
  }
});
