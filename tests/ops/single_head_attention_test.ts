import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import { attention } from "../../src/ops/attention.ts";
import { singleHeadAttention } from "../../src/ops/single_head_attention.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

// Keys and values of different widths.
const query = () => randomTensor<tf.Rank.R3>([2, 7, 3], "query");
const key = () => randomTensor<tf.Rank.R3>([2, 5, 3], "key");
const value = () => randomTensor<tf.Rank.R3>([2, 5, 6], "value");

for (const scale of [1, 0.25]) {
  onEachBackend(
    `singleHeadAttention() has the gradients of finite differences, scale ${scale}`,
    () =>
      assertGradients(
        (q, k, v) =>
          singleHeadAttention(
            q as tf.Tensor3D,
            k as tf.Tensor3D,
            v as tf.Tensor3D,
            scale,
          ),
        [query(), key(), value()],
      ),
  );
}

onEachBackend("singleHeadAttention() is attention() where widths are equal", async () => {
  const values = randomTensor<tf.Rank.R3>([2, 5, 3], "values");
  const one = singleHeadAttention(query(), key(), values, 3 ** -0.5);
  const other = attention(query(), tf.concat([key(), values], 2), 1);
  await assertClose(one, other, 1e-6);
});

onEachBackend("singleHeadAttention() keeps nothing but its result", () => {
  const [q, k, v] = [query(), key(), value()];
  assert.equal(tensorsKeptBy(() => singleHeadAttention(q, k, v, 1)), 1);
});
