import assert from "node:assert/strict";
import { EVAL_CONTEXT } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { patchMerging } from "../../src/layers/patch_embedding.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";

const { parameters, apply } = patchMerging("merge", 2);

const run = (x: tf.Tensor, ...values: tf.Tensor[]) => {
  const weights = new Map(parameters.map(({ name }, i) => [name, values[i] ?? x]));
  return apply(weights, x as tf.Tensor4D, EVAL_CONTEXT);
};

onEachBackend("patchMerging() orders channels like PyTorch's unfold", async () => {
  const { shape: [inChannels = 0, outChannels = 0] } = parameters[2] ?? assert.fail();
  const block = tf.tensor4d([0, 1, 2, 3, 4, 5, 6, 7], [1, 2, 2, 2]); // row, column, channel
  // The first four of the eight channels are the first channel of the four pixels.
  const identity = tf.slice(tf.eye(inChannels), [0, 0], [inChannels, outChannels]);
  const merged = run(block, tf.ones([inChannels]), tf.zeros([inChannels]), identity);
  const values = [0, 2, 4, 6, 1, 3, 5, 7];
  const std = Math.sqrt(
    values.reduce((sum, v) => sum + (v - 3.5) ** 2, 0) / inChannels + 1e-5,
  );
  const expected = values.slice(0, outChannels).map((value) => (value - 3.5) / std);
  await assertClose(merged, expected, 1e-5);
});

onEachBackend("patchMerging() matches finite-difference gradients", async () => {
  const values = parameters.map(({ name, shape }) =>
    randomTensor(shape as tf.ShapeMap[tf.Rank], name)
  );
  for (const [H, W] of [[4, 2], [3, 5]] as const) {
    const x = randomTensor<tf.Rank.R4>([2, H, W, 2], "x");
    assert.deepEqual(run(x, ...values).shape, [2, Math.ceil(H / 2), Math.ceil(W / 2), 4]);
    await assertGradients(run, [x, ...values]);
  }
});
