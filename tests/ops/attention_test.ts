import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import { attention } from "../../src/ops/attention.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

const example = () => ({
  query: randomTensor<tf.Rank.R3>([2, 7, 6], "query"),
  keyValue: randomTensor<tf.Rank.R3>([2, 5, 12], "keyValue"),
});

onEachBackend("attention() has the gradients of finite differences", async () => {
  const { query, keyValue } = example();
  for (const heads of [1, 3]) {
    await assertGradients(
      (query, keyValue) =>
        attention(query as tf.Tensor3D, keyValue as tf.Tensor3D, heads),
      [query, keyValue],
    );
  }
});

onEachBackend("attention() to one key returns its value", async () => {
  const { query } = example();
  const one = randomTensor<tf.Rank.R3>([2, 1, 12], "one");
  const values = tf.slice(one, [0, 0, 6], [2, 1, 6]);
  await assertClose(attention(query, one, 2), tf.tile(values, [1, 7, 1]), 1e-6);
});

onEachBackend("attention() does not see what is added to all keys", async () => {
  const { query, keyValue } = example();
  const shift = tf.concat([tf.fill([2, 5, 6], 3), tf.zeros([2, 5, 6])], 2);
  const shifted = tf.add(keyValue, shift) as tf.Tensor3D;
  await assertClose(attention(query, shifted, 2), attention(query, keyValue, 2), 1e-5);
});

onEachBackend("attention() keeps nothing but its result", () => {
  const { query, keyValue } = example();
  assert.equal(tensorsKeptBy(() => attention(query, keyValue, 2)), 1);
});
