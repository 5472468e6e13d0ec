import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import { pixelShuffle } from "../../src/ops/pixel_shuffle.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";

onEachBackend("pixelShuffle() orders channels like PyTorch", async () => {
  const x = tf.tensor4d([0, 1, 2, 3, 10, 11, 12, 13], [1, 1, 1, 8]);
  await assertClose(pixelShuffle(x, 2), [0, 10, 1, 11, 2, 12, 3, 13], 0);
});

onEachBackend("pixelShuffle() matches finite-difference gradients", async () => {
  await assertGradients((x) => pixelShuffle(x as tf.Tensor4D, 3), [
    randomTensor<tf.Rank.R4>([2, 3, 5, 18]),
  ]);
});

onEachBackend("pixelShuffle() rejects indivisible channels", () => {
  assert.throws(() => pixelShuffle(tf.zeros([1, 1, 1, 6]), 2), {
    name: "RangeError",
    message:
      'Cannot shuffle pixels: "factor" 2 needs a multiple of 4 channels, but there ' +
      "are 6",
  });
});
