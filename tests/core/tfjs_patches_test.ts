import { openBackend, readBack } from "../../src/core/backend.ts";
import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import { onEachBackend } from "../support/mod.ts";

onEachBackend("tf.slice() gives the requested elements of every dtype", async () => {
  const elements = Int32Array.from({ length: 24 }, (_, i) => i);
  for (const dtype of ["float32", "int32"] as const) {
    const x = tf.tensor3d(elements, [4, 2, 3], dtype);
    const whole = tf.slice(x, [1, 0, 0], [2, 2, 3]); // in one piece
    assert.deepEqual([...await readBack(whole)], [...elements.slice(6, 18)]);
    const rest = tf.slice(x, [3, 1, 1], [1, 1, -1]);
    assert.deepEqual([...await readBack(rest)], [22, 23]);
    const columns = tf.slice(x, [0, 1, 1], [4, 1, 1]); // in pieces
    assert.deepEqual([...await readBack(columns)], [4, 10, 16, 22]);
    assert.deepEqual([whole.dtype, whole.shape], [dtype, [2, 2, 3]]);
  }
});

onEachBackend("tf.split() gives the parts of every axis", async () => {
  const elements = Float32Array.from({ length: 24 }, (_, i) => i);
  const x = tf.tensor3d(elements, [2, 3, 4]);
  for (const [axis, sizes] of [[0, [1, 1]], [1, [1, 2]], [2, [1, 0, 3]]] as const) {
    const parts = tf.split(x, [...sizes], axis);
    assert.deepEqual(parts.map(({ shape }) => shape[axis]), sizes);
    const joined = tf.concat(parts.filter(({ size }) => size > 0), axis);
    assert.deepEqual([...await readBack(joined)], [...elements]);
  }
});

Deno.test("tf.slice() on wasm slices booleans and strings", async () => {
  await openBackend("wasm");
  const flags = tf.tensor1d([true, false, true, true], "bool");
  assert.deepEqual([...await tf.slice(flags, 1, 2).data()], [0, 1]);
  const words = tf.tensor1d(["a", "b", "c"]);
  assert.deepEqual(await tf.slice(words, 1, 2).data<"string">(), ["b", "c"]);
});
