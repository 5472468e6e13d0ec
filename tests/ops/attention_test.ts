import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { attention, singleHeadAttention } from "../../src/ops/attention/attention.ts";
import { flashAttention } from "../../src/ops/attention/webgpu.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  onWebGpu,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

const example = () => ({
  query: randomTensor<tf.Rank.R3>([2, 7, 6], "query"),
  keyValue: randomTensor<tf.Rank.R3>([2, 5, 12], "keyValue"),
});

onEachBackend("attention() matches finite-difference gradients", async () => {
  const { query, keyValue } = example();
  for (const heads of [1, 3]) {
    await assertGradients(
      (query, keyValue) =>
        attention(query as tf.Tensor3D, keyValue as tf.Tensor3D, heads),
      [query, keyValue],
    );
  }
});

onEachBackend("attention() with a single key returns its value", async () => {
  const { query } = example();
  const single = randomTensor<tf.Rank.R3>([2, 1, 12], "one");
  const values = tf.slice(single, [0, 0, 6], [2, 1, 6]);
  await assertClose(attention(query, single, 2), tf.tile(values, [1, 7, 1]), 1e-6);
});

onEachBackend("attention() is invariant to a shift of all keys", async () => {
  const { query, keyValue } = example();
  const shift = tf.concat([tf.fill([2, 5, 6], 3), tf.zeros([2, 5, 6])], 2);
  const shifted = tf.add(keyValue, shift) as tf.Tensor3D;
  await assertClose(attention(query, shifted, 2), attention(query, keyValue, 2), 1e-5);
});

onEachBackend("attention() leaks no tensors", () => {
  const { query, keyValue } = example();
  assert.equal(tensorsKeptBy(() => attention(query, keyValue, 2)), 1);
});

// Keys and values with different channel counts.
const query = () => randomTensor<tf.Rank.R3>([2, 7, 3], "query");
const key = () => randomTensor<tf.Rank.R3>([2, 5, 3], "key");
const value = () => randomTensor<tf.Rank.R3>([2, 5, 6], "value");

for (const scale of [1, 0.25]) {
  onEachBackend(
    `singleHeadAttention() matches finite-difference gradients, scale ${scale}`,
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

onEachBackend(
  "singleHeadAttention() equals attention() for equal channel counts",
  async () => {
    const values = randomTensor<tf.Rank.R3>([2, 5, 3], "values");
    const singleHead = singleHeadAttention(query(), key(), values, 3 ** -0.5);
    const multiHead = attention(query(), tf.concat([key(), values], 2), 1);
    await assertClose(singleHead, multiHead, 1e-6);
  },
);

onEachBackend("singleHeadAttention() leaks no tensors", () => {
  const [q, k, v] = [query(), key(), value()];
  assert.equal(tensorsKeptBy(() => singleHeadAttention(q, k, v, 1)), 1);
});

// flashAttention() is compared with attention() of few scores, which runs in steps.

// Sums of up to a few hundred float32 numbers in another order.
const TOLERANCE = 5e-6;

interface Case {
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  /** Per head. */
  readonly channels: number;
}

// Around the four keys and the 64 invocations of a step; more than one block of queries.
const CASES = ([
  [1, 1, 1, 4],
  [63, 3, 2, 8],
  [65, 4, 3, 16],
  [7, 9, 2, 20],
  [333, 17, 1, 32],
] as const).map(([queries, keys, heads, channels]): Case => (
  { queries, keys, heads, channels }
));

function flashExample({ queries, keys, heads, channels }: Case) {
  const C = heads * channels;
  const query = randomTensor<tf.Rank.R3>([2, queries, C], "query");
  return {
    query: tf.mul(query, 2) as tf.Tensor3D,
    keyValue: randomTensor<tf.Rank.R3>([2, keys, 2 * C], "keyValue"),
    outputGradient: randomTensor<tf.Rank.R3>([2, queries, C], "outputGradient"),
  };
}

type Attention = typeof attention;

async function forwardAndBackward(
  attend: Attention,
  sizes: Case,
): Promise<readonly (Float32Array | Int32Array)[]> {
  const { query, keyValue, outputGradient } = flashExample(sizes);
  const f = (q: tf.Tensor, kv: tf.Tensor) =>
    attend(q as tf.Tensor3D, kv as tf.Tensor3D, sizes.heads);
  const gradients = tf.grads(f)([query, keyValue], outputGradient);
  return [
    await readBack(f(query, keyValue)),
    ...await Promise.all(gradients.map(readBack)),
  ];
}

onWebGpu("flashAttention() equals attention() in steps", async () => {
  for (const sizes of CASES) {
    const found = await forwardAndBackward(flashAttention, sizes);
    const expected = await forwardAndBackward(attention, sizes);
    for (const [i, what] of ["result", "d query", "d key and value"].entries()) {
      const name = `${what} of ${JSON.stringify(sizes)}`;
      await assertClose(found[i] ?? [], expected[i] ?? [], TOLERANCE, name);
    }
  }
});

onWebGpu("attention() uses flashAttention() for many scores", async () => {
  const run = async (attend: Attention, sizes: Case) => {
    const { query, keyValue } = flashExample(sizes);
    return await readBack(attend(query, keyValue, sizes.heads));
  };
  // Twice 2896², just above 2²⁴, and below.
  const many = { queries: 2897, keys: 2896, heads: 1, channels: 4 };
  const few = { queries: 33, keys: 31, heads: 2, channels: 4 };
  assert.deepEqual(await run(attention, many), await run(flashAttention, many));
  assert.notDeepEqual(await run(attention, few), await run(flashAttention, few));
});

onWebGpu("flashAttention() matches finite-difference gradients", async () => {
  const { query, keyValue } = flashExample({
    queries: 9,
    keys: 5,
    heads: 2,
    channels: 4,
  });
  await assertGradients(
    (q, kv) => flashAttention(q as tf.Tensor3D, kv as tf.Tensor3D, 2),
    [query, keyValue],
  );
});

onWebGpu(
  "flashAttention() is deterministic",
  async () => {
    const sizes = { queries: 333, keys: 17, heads: 2, channels: 16 };
    assert.deepEqual(
      await forwardAndBackward(flashAttention, sizes),
      await forwardAndBackward(flashAttention, sizes),
    );
  },
);

onWebGpu("flashAttention() leaks no tensors", () => {
  const sizes = { queries: 65, keys: 4, heads: 2, channels: 8 };
  const { query, keyValue, outputGradient } = flashExample(sizes);
  assert.equal(tensorsKeptBy(() => flashAttention(query, keyValue, 2)), 1);
  const gradients = tf.grads((q, kv) =>
    flashAttention(q as tf.Tensor3D, kv as tf.Tensor3D, 2)
  );
  assert.equal(tensorsKeptBy(() => gradients([query, keyValue], outputGradient)), 2);
});
