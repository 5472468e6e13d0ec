import assert from "node:assert/strict";
import { openBackend, probeAdapter, readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { defineKernel } from "../../src/gpu/kernel.ts";
import { launch } from "../../src/gpu/launch.ts";

const FAULT = /^Error: Cannot trust the GPU's results/;

const BROKEN = defineKernel({
  name: "broken",
  uniforms: {},
  inputs: { x: "f32" },
  outputs: { y: "f32" },
  shader: "fn compute( {",
});

const runBrokenKernel = () =>
  launch(BROKEN, {
    uniforms: {},
    inputs: { x: tf.zeros([1]) },
    outputs: { y: [1] },
  }).y;

async function testAfterFault(
  name: string,
  test: (faulty: tf.Tensor) => Promise<void>,
): Promise<void> {
  Deno.test({
    name: `${name} [webgpu]`,
    ignore: await probeAdapter() === null && Deno.env.get("FST_REQUIRE_WEBGPU") !== "1",
    sanitizeOps: false, // the device outlives the test
    sanitizeResources: false,
    async fn() {
      await openBackend("webgpu");
      const healthy = tf.add(tf.tensor([1]), 1);
      assert.deepEqual([...await readBack(healthy)], [2]);
      const faulty = runBrokenKernel();
      await assert.rejects(readBack(faulty), FAULT);
      await test(faulty);
    },
  });
}

await testAfterFault(
  "readBack() throws for every tensor on a GPU that reported an error",
  async () => {
    await assert.rejects(readBack(tf.add(tf.tensor([1]), 1)), FAULT);
  },
);

await testAfterFault("readBack() on wasm ignores the error of a GPU", async (faulty) => {
  await openBackend("wasm");
  assert.deepEqual([...await readBack(tf.add(tf.tensor([1]), 1))], [2]);
  await assert.rejects(readBack(faulty), FAULT);
});

await testAfterFault(
  'openBackend("webgpu") opens a new device after the error of a GPU',
  async (faulty) => {
    await openBackend("webgpu");
    const product = tf.matMul(tf.ones([2, 3]), tf.ones([3, 2]));
    assert.deepEqual([...await readBack(product)], [3, 3, 3, 3]);
    await assert.rejects(readBack(faulty), FAULT);
    await openBackend("webgpu"); // keeps a device without an error
    assert.deepEqual([...await readBack(tf.add(product, 1))], [4, 4, 4, 4]);
  },
);
