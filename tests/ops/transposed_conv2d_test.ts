import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import { transposedConv2d } from "../../src/ops/transposed_conv2d.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

function example() {
  return {
    x: randomTensor<tf.Rank.R4>([2, 3, 5, 7], "x"),
    filter: randomTensor<tf.Rank.R4>([2, 2, 4, 7], "filter"),
  };
}

onEachBackend("transposedConv2d() equals tfjs", async () => {
  const { x, filter } = example();
  const expected = tf.conv2dTranspose(x, filter, [2, 6, 10, 4], 2, "valid");
  await assertClose(transposedConv2d(x, filter), expected, 1e-6);
});

onEachBackend("transposedConv2d() matches finite-difference gradients", async () => {
  const { x, filter } = example();
  await assertGradients(
    (x, filter) => transposedConv2d(x as tf.Tensor4D, filter as tf.Tensor4D),
    [x, filter],
  );
});

onEachBackend("transposedConv2d() leaks no tensors", () => {
  const { x, filter } = example();
  assert.equal(tensorsKeptBy(() => transposedConv2d(x, filter)), 1);
});
