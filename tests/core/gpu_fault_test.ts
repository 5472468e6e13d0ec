import assert from "node:assert/strict";
import {
  explainGpuError,
  openBackend,
  probeAdapter,
  readBack,
} from "../../src/core/backend.ts";
import { describeGpuFailure, type GpuFailure } from "../../src/core/gpu_fault.ts";
import * as tf from "../../src/core/tf.ts";
import { compileKernels } from "../../src/gpu/compile.ts";
import { defineKernel } from "../../src/gpu/kernel.ts";
import { launch } from "../../src/gpu/launch.ts";
import { webGpuBackend } from "../../src/gpu/tfjs_webgpu.ts";

const FAULT = /^Error: Cannot trust the GPU's results/;
const LOST = /^Error: Cannot continue: the GPU was lost/;

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

async function testOnGpu(name: string, test: () => Promise<void>): Promise<void> {
  Deno.test({
    name: `${name} [webgpu]`,
    ignore: await probeAdapter() === null && Deno.env.get("FST_REQUIRE_WEBGPU") !== "1",
    sanitizeOps: false, // the device outlives the test
    sanitizeResources: false,
    async fn() {
      await openBackend("webgpu");
      const healthy = tf.add(tf.tensor([1]), 1);
      assert.deepEqual([...await readBack(healthy)], [2]);
      await test();
    },
  });
}

const testAfterFault = (name: string, test: (faulty: tf.Tensor) => Promise<void>) =>
  testOnGpu(name, async () => {
    const faulty = runBrokenKernel();
    await assert.rejects(readBack(faulty), FAULT);
    await test(faulty);
  });

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

await testOnGpu(
  "compileKernels() names a refused kernel and spares the GPU",
  async () => {
    const [refusal, ...others] = await compileKernels([BROKEN]);
    assert.equal(refusal?.kernel, "broken");
    assert.match(refusal?.reason ?? "", /expected/i);
    assert.deepEqual(others, []);
    assert.deepEqual([...await readBack(tf.add(tf.tensor([1]), 1))], [2]);
  },
);

await testOnGpu(
  "compileKernels() names the kernel over which a GPU is lost",
  async () => {
    const lines = ["a", "b"].map((name) =>
      defineKernel({ ...BROKEN, name, shader: "fn compute(i: u32) {}" })
    );
    const { device } = webGpuBackend();
    const refusals = await compileKernels(lines, () => device.destroy());
    assert.deepEqual(refusals, [{ kernel: "b", reason: "the GPU was lost over it" }]);
  },
);

await testOnGpu("readBack() says that the GPU was lost at the first call", async () => {
  const { device } = webGpuBackend();
  const x = tf.add(tf.tensor([1]), 1);
  device.destroy();
  await assert.rejects(readBack(x), LOST);
  await assert.rejects(readBack(x), LOST);
  await openBackend("wasm");
  assert.deepEqual([...await readBack(tf.add(tf.tensor([1]), 1))], [2]);
  await openBackend("webgpu");
  assert.deepEqual([...await readBack(tf.add(tf.tensor([1]), 1))], [2]);
});

await testOnGpu("explainGpuError() says what a lost GPU made fail", async () => {
  webGpuBackend().device.destroy();
  const explained = await explainGpuError(new Error("Cannot map"));
  assert.match(String(explained), LOST);
  await openBackend("wasm");
  const other = new Error("something else");
  assert.equal(await explainGpuError(other), other);
});

await testOnGpu("readBack() takes an error event for what it is", async () => {
  const error = new GPUOutOfMemoryError("Not enough memory left.");
  webGpuBackend().device.dispatchEvent(
    new GPUUncapturedErrorEvent("uncapturederror", { error, cancelable: true }),
  );
  await assert.rejects(
    readBack(tf.tensor([1])),
    /^Error: Cannot continue.*Resizable BAR/,
  );
});

const GIB = 2 ** 30;
const SENTENCES: readonly (readonly [
  GpuFailure["kind"],
  message: string,
  system: string,
  memory: number | null,
  expected: RegExp,
])[] = [
  ["lost", "", "linux", null, /GPU was lost \(no reason given\).*last checkpoint$/],
  ["lost", "device hung", "linux", null, /two seconds.*TDR.*TdrDelay.*last checkpoint$/],
  ["lost", "Device is lost", "windows", null, /two seconds.*TDR.*last checkpoint$/],
  [
    "lost",
    "Out of memory",
    "windows",
    null,
    /want of memory.*cropSize.*last checkpoint$/,
  ],
  ["out-of-memory", "x", "linux", null, /refused memory with 6144 MiB.*Resizable BAR/],
  ["out-of-memory", "x", "linux", 24 * GIB, /refused memory with 6144 MiB.*35195/],
  ["out-of-memory", "x", "linux", 7 * GIB, /ran out of memory with 6144 MiB.*cropSize/],
  ["internal", "E_FAIL", "windows", null, /DENO_WEBGPU_DX12_COMPILER=dxc/],
  ["validation", "FXC gave up", "windows", null, /DENO_WEBGPU_BACKEND=vulkan/],
  ["internal", "E_FAIL", "linux", null, /^Cannot trust the GPU's results: .*"E_FAIL"$/],
  ["validation", "x", "windows", null, /^Cannot trust the GPU's results: .*"x"$/],
];

Deno.test("describeGpuFailure() has a sentence with the cure for each kind", () => {
  for (const [kind, message, system, memory, expected] of SENTENCES) {
    const circumstances = { system, allocated: 6 * GIB, memory };
    assert.match(describeGpuFailure({ kind, message }, circumstances), expected);
  }
});
