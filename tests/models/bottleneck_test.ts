import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { EVAL_CONTEXT } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import { bottleneck } from "../../src/models/resnet.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";

const OPTIONS = { planes: 2, stride: 1, dilation: 1, downsample: false };

onEachBackend("bottleneck() is the identity after initialization", async () => {
  const block = bottleneck("block", { ...OPTIONS, inChannels: 8, dilation: 2 });
  const weights = initializeWeights(block.parameters, 1);
  const x = randomTensor<tf.Rank.R4>([1, 5, 6, 8]);
  await assertClose(block.apply(weights, x, EVAL_CONTEXT), tf.relu(x), 1e-6);
  releaseWeights(weights);
});

onEachBackend("bottleneck() strides both branches", async () => {
  const options = { ...OPTIONS, inChannels: 3, stride: 2, downsample: true };
  const block = bottleneck("block", options);
  const weights = initializeWeights(block.parameters, 1);
  const x = randomTensor<tf.Rank.R4>([2, 5, 6, 3]);
  const y = block.apply(weights, x, EVAL_CONTEXT);
  assert.deepEqual(y.shape, [2, 3, 3, 8]);
  // The residual branch is 0, so pixel (2, 2) of y depends on pixel (4, 4) of x only.
  const pixel = tf.slice4d(x, [0, 4, 4, 0], [1, 1, 1, 3]);
  const filter = weights.get("block.downsample.0.weight") ?? assert.fail();
  const expected = tf.relu(
    tf.matMul(tf.reshape(pixel, [1, 3]), tf.reshape(filter, [3, 8])),
  );
  const found = tf.reshape(tf.slice4d(y, [0, 2, 2, 0], [1, 1, 1, 8]), [1, 8]);
  // Batch norm divides by √(1 + 1e-5) even where its variance is 1.
  await assertClose(found, expected, 1e-4);
  assert.ok((await readBack(expected)).some((value: number) => value > 0));
  releaseWeights(weights);
});

Deno.test("bottleneck() without downsample requires matching shapes", () => {
  assert.throws(() => bottleneck("block", { ...OPTIONS, inChannels: 4 }), {
    name: "RangeError",
    message: /"downsample".* 8 channels and stride 1, but it has 4 and 1/,
  });
});
