import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { EVALUATION } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initialWeights, releaseWeights } from "../../src/core/weights.ts";
import { bottleneck } from "../../src/layers/bottleneck.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";

onEachBackend("a fresh bottleneck() passes its input on", async () => {
  const block = bottleneck("block", {
    inputs: 8,
    planes: 2,
    stride: 1,
    dilation: 2,
    project: false,
  });
  const weights = initialWeights(block.parameters, 1);
  const x = randomTensor<tf.Rank.R4>([1, 5, 6, 8]);
  await assertClose(block.apply(weights, x, EVALUATION), tf.relu(x), 1e-6);
  releaseWeights(weights);
});

onEachBackend("bottleneck() takes its stride in both branches", async () => {
  const block = bottleneck("block", {
    inputs: 3,
    planes: 2,
    stride: 2,
    dilation: 1,
    project: true,
  });
  const weights = initialWeights(block.parameters, 1);
  const x = randomTensor<tf.Rank.R4>([2, 5, 6, 3]);
  const y = block.apply(weights, x, EVALUATION);
  assert.deepEqual(y.shape, [2, 3, 3, 8]);
  // The other branch being silent, pixel (2, 2) of y sees pixel (4, 4) of x alone.
  const pixel = tf.slice4d(x, [0, 4, 4, 0], [1, 1, 1, 3]);
  const filter = weights.get("block.downsample.0.weight") ?? assert.fail();
  const expected = tf.relu(
    tf.matMul(tf.reshape(pixel, [1, 3]), tf.reshape(filter, [3, 8])),
  );
  const seen = tf.reshape(tf.slice4d(y, [0, 2, 2, 0], [1, 1, 1, 8]), [1, 8]);
  // Batch norm divides by √(1 + 1e-5) even where its variance is 1.
  await assertClose(seen, expected, 1e-4);
  assert.ok((await readBack(expected)).some((value: number) => value > 0));
  releaseWeights(weights);
});

Deno.test("bottleneck() without a projection asks for the same shape", () => {
  const options = { inputs: 4, planes: 2, stride: 1, dilation: 1, project: false };
  assert.throws(() => bottleneck("block", options), {
    name: "RangeError",
    message: /"project".* 8 channels and stride 1, but it has 4 and 1/,
  });
});
