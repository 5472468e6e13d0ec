// On a device, heads of a multiple of four channels go without stored scores; on wasm they
// are computed step by step, which is what the shaders are compared with.
import assert from "node:assert/strict";
import { openBackend, readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { attention } from "../../src/ops/attention.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
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

async function bothWays(one: Case): Promise<readonly (Float32Array | Int32Array)[]> {
  const { query, keyValue, slope } = example(one);
  const f = (q: tf.Tensor, kv: tf.Tensor) =>
    attention(q as tf.Tensor3D, kv as tf.Tensor3D, one.heads);
  const gradients = tf.grads(f)([query, keyValue], slope);
  return [
    await readBack(f(query, keyValue)),
    ...await Promise.all(gradients.map(readBack)),
  ];
}

onEachBackend("attention() without scores agrees with its steps", async (backend) => {
  for (const one of CASES) {
    const found = await bothWays(one);
    await openBackend("wasm");
    const expected = await bothWays(one);
    await openBackend(backend);
    for (const [i, what] of ["result", "d query", "d key and value"].entries()) {
      const name = `${what} of ${JSON.stringify(one)}`;
      await assertClose(found[i] ?? [], expected[i] ?? [], TOLERANCE, name);
    }
  }
});

onEachBackend("attention() without scores nor gradients agrees", async (backend) => {
  const run = () => {
    const one = { queries: 9, keys: 7, heads: 2, channels: 64 };
    const { query, keyValue } = example(one);
    return readBack(attention(query, keyValue, one.heads));
  };
  const found = await run();
  await openBackend("wasm");
  await assertClose(found, await run(), TOLERANCE);
  await openBackend(backend);
});

onEachBackend("attention() without scores has exact gradients", async () => {
  const { query, keyValue } = example({ queries: 9, keys: 5, heads: 2, channels: 4 });
  await assertGradients(
    (q, kv) => attention(q as tf.Tensor3D, kv as tf.Tensor3D, 2),
    [query, keyValue],
  );
});

onEachBackend(
  "attention() without scores gives equal bits for equal inputs",
  async () => {
    const one = { queries: 333, keys: 17, heads: 2, channels: 16 };
    assert.deepEqual(await bothWays(one), await bothWays(one));
  },
);

onEachBackend("attention() without scores keeps nothing but its result", () => {
  const one = { queries: 65, keys: 4, heads: 2, channels: 8 };
  const { query, keyValue, slope } = example(one);
  assert.equal(tensorsKeptBy(() => attention(query, keyValue, 2)), 1);
  const gradients = tf.grads((q, kv) =>
    attention(q as tf.Tensor3D, kv as tf.Tensor3D, 2)
  );
  assert.equal(tensorsKeptBy(() => gradients([query, keyValue], slope)), 2);
});
