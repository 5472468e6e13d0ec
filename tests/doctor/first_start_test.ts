import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import { testGpuOnce } from "../../src/doctor/first_start.ts";
import type { Operation } from "../../src/doctor/operations.ts";
import { testOperations } from "../../src/doctor/test_operations.ts";
import { webGpuBackend } from "../../src/gpu/tfjs_webgpu.ts";
import { gelu } from "../../src/ops/gelu/gelu.ts";
import { inFolder } from "../support/files.ts";
import { onWebGpu } from "../support/mod.ts";

const right: Operation = (n) => gelu(tf.ones([n]));
const wrong: Operation = () => tf.scalar(tf.getBackend() === "wasm" ? 1 : 2);
const fatal: Operation = () => {
  if (tf.getBackend() === "webgpu" && !tf.isDryRun()) webGpuBackend().device.destroy();
  return tf.add(tf.scalar(1), 1);
};

onWebGpu(
  "testGpuOnce() tests a GPU until it has passed, and names what is wrong",
  () =>
    inFolder(async (folder) => {
      let steps: string[] = [];
      const start = (operations: Readonly<Record<string, Operation>>) => {
        steps = [];
        return testGpuOnce(
          "webgpu",
          folder,
          (what, done, total) => void steps.push(`${what} ${done}/${total}`),
          (onProgress) => testOperations(onProgress, operations),
        );
      };
      assert.equal(await testGpuOnce("wasm", folder), false);
      await assert.rejects(
        start({ right, wrong }),
        /^Error: Cannot trust the GPU ".*": its results differ .* CPU's in wrong; update/,
      );
      await assert.rejects(
        start({ right, fatal }),
        /^Error: Cannot continue: the GPU was lost .* \(at the operation "fatal"\)$/,
      );
      assert.equal(await start({ right }), true);
      assert.deepEqual(steps, ["kernel 1/1", "right 1/1"]);
      assert.equal(await start({ right, wrong }), false);
    }),
);
