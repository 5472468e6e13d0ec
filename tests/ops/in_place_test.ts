import assert from "node:assert/strict";
import { openBackend, readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { adamw, adamwAll, blend, blendAll, sgd, sgdAll } from "../../src/ops/in_place.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";

// Two groups of eight and a rest; a workgroup has 64 invocations.
const SIZES = [1, 63, 64, 65, 300, 1, 129, 7, 64, 64, 5, 1000, 2, 3, 128, 127, 65, 9, 1];

const tensors = (name: string) =>
  SIZES.map((size, i) => randomTensor<tf.Rank.R1>([size], `${name} ${i}`));
const bitsOf = (some: readonly tf.Tensor[]) => Promise.all(some.map(readBack));

onEachBackend("adamwAll() gives the bits of adamw() one by one", async () => {
  const shared = {
    beta1: 0.9,
    beta2: 0.999,
    take1: 1 - 0.9,
    take2: 1 - 0.999,
    correction: 1.5,
    epsilon: 1e-8,
  };
  const make = () => {
    const [g, p, m, v] = [tensors("g"), tensors("p"), tensors("m"), tensors("v")];
    const updates = SIZES.map((_, i) => ({
      gradient: g[i] as tf.Tensor,
      parameter: p[i] as tf.Tensor,
      moments: [m[i] as tf.Tensor, tf.abs(v[i] as tf.Tensor)] as const,
      decay: i % 3 * 1e-3,
      step: 1e-2 / (1 + i),
    }));
    return updates;
  };
  const all = make();
  const single = make();
  adamwAll(all, shared);
  for (const { gradient, parameter, moments, decay, step } of single) {
    adamw(gradient, parameter, moments, { ...shared, decay, step });
  }
  const changed = (some: ReturnType<typeof make>) =>
    bitsOf(some.flatMap(({ parameter, moments }) => [parameter, ...moments]));
  assert.deepEqual(await changed(all), await changed(single));
});

onEachBackend("sgdAll() gives the bits of sgd() one by one", async () => {
  const make = () => {
    const [g, p, b] = [tensors("g"), tensors("p"), tensors("b")];
    return SIZES.map((_, i) => ({
      gradient: g[i] as tf.Tensor,
      parameter: p[i] as tf.Tensor,
      buffer: b[i] as tf.Tensor,
      rate: 1e-2 / (1 + i),
      decay: i % 3 * 1e-3,
    }));
  };
  const [all, single] = [make(), make()];
  sgdAll(all, 0.9);
  for (const { gradient, parameter, buffer, rate, decay } of single) {
    sgd(gradient, parameter, buffer, { rate, momentum: 0.9, decay });
  }
  const changed = (some: ReturnType<typeof make>) =>
    bitsOf(some.flatMap(({ parameter, buffer }) => [parameter, buffer]));
  assert.deepEqual(await changed(all), await changed(single));
});

for (const keep of [0, 0.99]) {
  onEachBackend(
    `blendAll() gives the bits of blend() one by one, keep ${keep}`,
    async () => {
      const sources = tensors("source");
      const [all, single] = [tensors("target"), tensors("target")];
      const pairs = all.map((target, i) => ({ target, source: sources[i] as tf.Tensor }));
      blendAll(pairs, keep);
      single.forEach((target, i) => blend(target, sources[i] as tf.Tensor, keep));
      assert.deepEqual(await bitsOf(all), await bitsOf(single));
      if (keep === 0) assert.deepEqual(await bitsOf(all), await bitsOf(sources));
    },
  );
}

onEachBackend("blend() of a large tensor reaches all who share its memory", async () => {
  // Large enough to be averaged by XNNPACK on wasm.
  const [rows, columns] = [256, 80];
  const target = randomTensor<tf.Rank.R2>([rows, columns], "target");
  const source = randomTensor<tf.Rank.R2>([rows, columns], "source");
  const shared = tf.reshape(target, [columns, rows]);
  const [old, other] = [await readBack(target), await readBack(source)];
  const expected = old.map((value: number, i: number) =>
    0.999 * value + 0.001 * Number(other[i])
  );
  // Whatever was packed of the old elements for products must be forgotten.
  const one = randomTensor<tf.Rank.R2>([3, rows], "factor");
  tf.matMul(one, target).dispose();
  blend(target, source, 0.999);
  await assertClose(target, expected, 2e-7);
  await assertClose(shared, expected, 2e-7);
  await assertClose(
    tf.matMul(one, target),
    tf.matMul(one, tf.tensor2d(expected, [rows, columns])),
    1e-5,
  );
});

onEachBackend("blend() of a large tensor makes no tensor", () => {
  const [target, source] = [tf.zeros([20_000]), tf.ones([20_000])];
  const before = tf.memory().numTensors;
  blend(target, source, 0.5);
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("blend() on wasm leaves the average of a constant where it is", async () => {
  await openBackend("wasm");
  for (const size of [64, 20_000]) {
    const [target, source] = [tf.fill([size], 0.1), tf.fill([size], 0.1)];
    for (let i = 0; i < 50; i++) blend(target, source, 0.9999);
    assert.deepEqual(await readBack(target), await readBack(source));
  }
});
