// The shaders are compared with attention in steps on the same device, which other tests
// compare with wasm and with the reference.
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { attention } from "../../src/ops/attention.ts";
import { attentionByScores } from "../../src/ops/attention_by_scores.ts";
import { attentionWithoutScores } from "../../src/ops/attention_without_scores.ts";
import {
  assertClose,
  assertGradients,
  onWebGpu,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

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
const CASES: readonly Case[] = [
  { queries: 1, keys: 1, heads: 1, channels: 4 },
  { queries: 63, keys: 3, heads: 2, channels: 8 },
  { queries: 65, keys: 4, heads: 3, channels: 16 },
  { queries: 7, keys: 9, heads: 2, channels: 20 },
  { queries: 333, keys: 17, heads: 1, channels: 32 },
];

function example({ queries, keys, heads, channels }: Case) {
  const C = heads * channels;
  const query = randomTensor<tf.Rank.R3>([2, queries, C], "query");
  return {
    query: tf.mul(query, 2) as tf.Tensor3D,
    keyValue: randomTensor<tf.Rank.R3>([2, keys, 2 * C], "keyValue"),
    slope: randomTensor<tf.Rank.R3>([2, queries, C], "slope"),
  };
}

type Attention = typeof attention;

async function bothWays(
  attend: Attention,
  one: Case,
): Promise<readonly (Float32Array | Int32Array)[]> {
  const { query, keyValue, slope } = example(one);
  const f = (q: tf.Tensor, kv: tf.Tensor) =>
    attend(q as tf.Tensor3D, kv as tf.Tensor3D, one.heads);
  const gradients = tf.grads(f)([query, keyValue], slope);
  return [
    await readBack(f(query, keyValue)),
    ...await Promise.all(gradients.map(readBack)),
  ];
}

onWebGpu("attentionWithoutScores() agrees with attentionByScores()", async () => {
  for (const one of CASES) {
    const found = await bothWays(attentionWithoutScores, one);
    const expected = await bothWays(attentionByScores, one);
    for (const [i, what] of ["result", "d query", "d key and value"].entries()) {
      const name = `${what} of ${JSON.stringify(one)}`;
      await assertClose(found[i] ?? [], expected[i] ?? [], TOLERANCE, name);
    }
  }
});

onWebGpu("attention() goes without scores where these are many", async () => {
  const run = async (attend: Attention, one: Case) => {
    const { query, keyValue } = example(one);
    return await readBack(attend(query, keyValue, one.heads));
  };
  // Twice 2896², just above 2²⁴, and below.
  const many = { queries: 2897, keys: 2896, heads: 1, channels: 4 };
  const few = { queries: 33, keys: 31, heads: 2, channels: 4 };
  assert.deepEqual(await run(attention, many), await run(attentionWithoutScores, many));
  assert.deepEqual(await run(attention, few), await run(attentionByScores, few));
  const steps = await run(attentionByScores, few);
  await assertClose(await run(attentionWithoutScores, few), steps, TOLERANCE);
});

onWebGpu("attentionWithoutScores() has exact gradients", async () => {
  const { query, keyValue } = example({ queries: 9, keys: 5, heads: 2, channels: 4 });
  await assertGradients(
    (q, kv) => attentionWithoutScores(q as tf.Tensor3D, kv as tf.Tensor3D, 2),
    [query, keyValue],
  );
});

onWebGpu(
  "attentionWithoutScores() gives equal bits for equal inputs",
  async () => {
    const one = { queries: 333, keys: 17, heads: 2, channels: 16 };
    assert.deepEqual(
      await bothWays(attentionWithoutScores, one),
      await bothWays(attentionWithoutScores, one),
    );
  },
);

onWebGpu("attentionWithoutScores() keeps nothing but its result", () => {
  const one = { queries: 65, keys: 4, heads: 2, channels: 8 };
  const { query, keyValue, slope } = example(one);
  assert.equal(tensorsKeptBy(() => attentionWithoutScores(query, keyValue, 2)), 1);
  const gradients = tf.grads((q, kv) =>
    attentionWithoutScores(q as tf.Tensor3D, kv as tf.Tensor3D, 2)
  );
  assert.equal(tensorsKeptBy(() => gradients([query, keyValue], slope)), 2);
});
