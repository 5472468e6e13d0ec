// Memory of freed tensors serves others before the commands that use it are submitted.
import assert from "node:assert/strict";
import { openBackend, probeAdapter, readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { onEachBackend } from "../support/mod.ts";

const SIZE = 5000;
const filled = (value: number) => tf.tensor(new Float32Array(SIZE).fill(value));

onEachBackend(
  "tf.tensor() does not overwrite memory that pending commands read",
  async () => {
    const results: tf.Tensor[] = [];
    for (let i = 0; i < 20; i++) {
      const x = filled(i);
      results.push(tf.mul(x, 2));
      x.dispose(); // the next upload may get its memory
    }
    for (const [i, result] of results.entries()) {
      assert.deepEqual(new Set(await readBack(result)), new Set([2 * i]));
    }
    tf.dispose(results);
  },
);

onEachBackend("tf.clone() survives the disposal of its source", async () => {
  const x = filled(3);
  const clone = tf.clone(x);
  x.dispose();
  const others = [1, 2, 4].map(filled).map((tensor) => tf.add(tensor, tensor));
  assert.deepEqual(new Set(await readBack(clone)), new Set([3]));
  tf.dispose([clone, ...others]);
});

Deno.test({
  name: "tf.Tensor.dispose() makes memory reusable before submission [webgpu]",
  ignore: await probeAdapter() === null && Deno.env.get("FST_REQUIRE_WEBGPU") !== "1",
  sanitizeOps: false, // the device outlives the test
  sanitizeResources: false,
  async fn() {
    await openBackend("webgpu");
    const { bufferManager } = tf.backend() as unknown as {
      bufferManager: { numBytesAllocated: number };
    };
    let x: tf.Tensor = filled(1);
    const before = bufferManager.numBytesAllocated;
    for (let i = 0; i < 100; i++) {
      const next = tf.add(x, 1);
      x.dispose();
      x = next;
    }
    const grown = bufferManager.numBytesAllocated - before;
    assert.ok(grown < 10 * 4 * SIZE, `${grown} bytes for results of ${4 * SIZE}`);
    assert.deepEqual(new Set(await readBack(x)), new Set([101]));
    x.dispose();
  },
});
