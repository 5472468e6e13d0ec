import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { defineKernel } from "../../src/gpu/kernel.ts";
import { launch } from "../../src/gpu/launch.ts";
import { sumAll } from "../../src/ops/sums/sums.ts";
import { packUniforms } from "../../src/gpu/uniforms.ts";
import { onEachBackend, onWebGpu, tensorsKeptBy } from "../support/mod.ts";

const SCALE = defineKernel({
  name: "scale",
  uniforms: { shift: "u32", factor: "f32" },
  inputs: { x: "f32" },
  outputs: { y: "f32", rounded: "i32" },
  shader: `fn compute(i: u32) {
  y[i] = uniforms.factor * x[i] + f32(uniforms.shift);
  rounded[i] = i32(y[i]);
}
`,
  reference({ x, y, rounded }, { shift, factor }) {
    x.forEach((value, i) => {
      y[i] = factor * value + shift;
      rounded[i] = Math.trunc(factor * value + shift);
    });
  },
});

const uniforms = { shift: 3, factor: 0.5 };
const x = () => tf.tensor1d([1, 2, 4]);

onEachBackend("launch() makes the declared outputs", async () => {
  const { y, rounded } = launch(SCALE, {
    uniforms,
    inputs: { x: x() },
    outputs: { y: [3], rounded: [3, 1] },
  });
  assert.deepEqual([...await readBack(y)], [3.5, 4, 5]);
  assert.deepEqual([rounded.dtype, rounded.shape], ["int32", [3, 1]]);
  assert.deepEqual([...await readBack(rounded)], [3, 4, 5]);
});

onEachBackend("launch() changes a tensor among the outputs in place", async () => {
  const [input, y] = [x(), tf.zeros([3])];
  const run = () =>
    launch(SCALE, { uniforms, inputs: { x: input }, outputs: { y, rounded: [3] } });
  assert.equal(tensorsKeptBy(run), 1);
  assert.deepEqual([...await readBack(y)], [3.5, 4, 5]);
});

onEachBackend(
  "launch() computes no more elements than there are invocations",
  async () => {
    const y = tf.zeros([3]);
    launch(SCALE, {
      uniforms,
      inputs: { x: x() },
      outputs: { y, rounded: tf.zeros([3], "int32") },
      invocations: tf.getBackend() === "wasm" ? 3 : 2,
    });
    const expected = tf.getBackend() === "wasm" ? [3.5, 4, 5] : [3.5, 4, 0];
    assert.deepEqual([...await readBack(y)], expected);
  },
);

onEachBackend("launch() rejects a missing and an unknown uniform", () => {
  const run = (uniforms: { shift: number; factor: number }) => () =>
    launch(SCALE, { uniforms, inputs: { x: x() }, outputs: { y: [3], rounded: [3] } });
  const missing = { shift: 3 } as typeof uniforms;
  assert.throws(run(missing), {
    name: "TypeError",
    message: 'Cannot run kernel "scale": uniform "factor" has no value',
  });
  const unknown = { ...uniforms, scale: 2 };
  assert.throws(run(unknown), {
    name: "TypeError",
    message: 'Cannot run kernel "scale": it has no uniform "scale"',
  });
});

onWebGpu("launch() rejects a kernel without a shader", () => {
  const kernel = defineKernel({
    name: "hostOnly",
    uniforms: {},
    inputs: {},
    outputs: { y: "f32" },
    reference() {},
  });
  assert.throws(() => launch(kernel, { uniforms: {}, inputs: {}, outputs: { y: [1] } }), {
    name: "TypeError",
    message:
      'Cannot run kernel "hostOnly": it has no implementation for backend "webgpu"',
  });
});

Deno.test("packUniforms() packs the invocations and the uniforms in order", () => {
  const view = new DataView(packUniforms(SCALE, { ...uniforms, invocations: 7 }));
  assert.equal(view.byteLength, 16);
  assert.equal(view.getUint32(0, true), 7);
  assert.equal(view.getUint32(4, true), 3);
  assert.equal(view.getFloat32(8, true), 0.5);
});

Deno.test("packUniforms() rejects a missing and an unknown value", () => {
  assert.throws(() => packUniforms(SCALE, uniforms), {
    name: "TypeError",
    message: 'Cannot run kernel "scale": uniform "invocations" has no value',
  });
  assert.throws(() => packUniforms(SCALE, { ...uniforms, invocations: 1, rate: 1 }), {
    name: "TypeError",
    message: 'Cannot run kernel "scale": it has no uniform "rate"',
  });
});

onWebGpu("launch() reads integers that were cast to float32", async () => {
  const integers = tf.tensor([1, 2, 70000, -3], [4], "int32");
  const sum = sumAll(tf.cast(integers, "float32"), 1);
  assert.deepEqual([...await readBack(sum)], [70000]);
  const marks = tf.cast(tf.greater(integers, 1), "float32");
  assert.deepEqual([...await readBack(sumAll(marks, 1))], [2]);
  const before = tf.memory().numTensors;
  sumAll(marks, 1).dispose();
  assert.equal(tf.memory().numTensors, before);
});
