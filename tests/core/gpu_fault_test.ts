import assert from "node:assert/strict";
import { openBackend, probeAdapter, readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { type Kernel, launchOne } from "../../src/kernels/kernel.ts";

const BROKEN: Kernel<"count"> = {
  name: "broken",
  shader: "fn main( {",
  uniforms: { count: "u32" },
  twin() {},
};

// In a file of its own: a fault stays for the rest of the process.
Deno.test({
  name: "readBack() throws after a GPU error that nothing else reports",
  ignore: await probeAdapter() === null,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await openBackend("webgpu");
    const result = launchOne(BROKEN, {
      uniforms: { count: 1 },
      inputs: [tf.zeros([1])],
      outputs: [{ shape: [1] }],
      invocations: 1,
    });
    await assert.rejects(readBack(result), /^Error: Cannot trust the GPU's results/);
  },
});
