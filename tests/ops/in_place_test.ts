import assert from "node:assert/strict";
import { openBackend, readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import {
  adamw,
  lerp,
  multiTensorAdamW,
  multiTensorAdamWFutures,
  multiTensorLerp,
  multiTensorSgd,
  multiTensorSgdFutures,
  sgd,
} from "../../src/ops/in_place/in_place.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";

// Two groups of eight and a remainder; a workgroup has 64 invocations.
const SIZES = [1, 63, 64, 65, 300, 1, 129, 7, 64, 64, 5, 1000, 2, 3, 128, 127, 65, 9, 1];

const tensors = (name: string) =>
  SIZES.map((size, i) => randomTensor<tf.Rank.R1>([size], `${name} ${i}`));
const bitsOf = (tensors: readonly tf.Tensor[]) => Promise.all(tensors.map(readBack));

onEachBackend("multiTensorAdamW() equals adamw() bit for bit", async () => {
  const shared = {
    beta1: 0.9,
    beta2: 0.999,
    oneMinusBeta1: 1 - 0.9,
    oneMinusBeta2: 1 - 0.999,
    biasCorrection: 1.5,
    epsilon: 1e-8,
  };
  const makeUpdates = () => {
    const [g, p, m, v] = [tensors("g"), tensors("p"), tensors("m"), tensors("v")];
    const updates = SIZES.map((_, i) => ({
      gradient: g[i] as tf.Tensor,
      parameter: p[i] as tf.Tensor,
      moments: [m[i] as tf.Tensor, tf.abs(v[i] as tf.Tensor)] as const,
      weightDecayStep: i % 3 * 1e-3,
      stepSize: 1e-2 / (1 + i),
    }));
    return updates;
  };
  const all = makeUpdates();
  const single = makeUpdates();
  multiTensorAdamW(all, shared);
  for (
    const { gradient, parameter, moments, weightDecayStep, stepSize } of single
  ) {
    adamw(gradient, parameter, moments, { ...shared, weightDecayStep, stepSize });
  }
  const updatedBits = (updates: ReturnType<typeof makeUpdates>) =>
    bitsOf(updates.flatMap(({ parameter, moments }) => [parameter, ...moments]));
  assert.deepEqual(await updatedBits(all), await updatedBits(single));
});

onEachBackend("multiTensorSgd() equals sgd() bit for bit", async () => {
  const makeUpdates = () => {
    const [g, p, b] = [tensors("g"), tensors("p"), tensors("b")];
    return SIZES.map((_, i) => ({
      gradient: g[i] as tf.Tensor,
      parameter: p[i] as tf.Tensor,
      momentumBuffer: b[i] as tf.Tensor,
      learningRate: 1e-2 / (1 + i),
      weightDecay: i % 3 * 1e-3,
    }));
  };
  const [all, single] = [makeUpdates(), makeUpdates()];
  multiTensorSgd(all, 0.9);
  for (
    const { gradient, parameter, momentumBuffer, learningRate, weightDecay } of single
  ) {
    sgd(gradient, parameter, momentumBuffer, {
      learningRate,
      momentum: 0.9,
      weightDecay,
    });
  }
  const updatedBits = (updates: ReturnType<typeof makeUpdates>) =>
    bitsOf(
      updates.flatMap(({ parameter, momentumBuffer }) => [parameter, momentumBuffer]),
    );
  assert.deepEqual(await updatedBits(all), await updatedBits(single));
});

for (const decay of [0, 0.99]) {
  onEachBackend(
    `multiTensorLerp() equals lerp() bit for bit, decay ${decay}`,
    async () => {
      const sources = tensors("source");
      const [all, single] = [tensors("target"), tensors("target")];
      const pairs = all.map((target, i) => ({ target, source: sources[i] as tf.Tensor }));
      multiTensorLerp(pairs, decay);
      single.forEach((target, i) => lerp(target, sources[i] as tf.Tensor, decay));
      assert.deepEqual(await bitsOf(all), await bitsOf(single));
      if (decay === 0) assert.deepEqual(await bitsOf(all), await bitsOf(sources));
    },
  );
}

for (const decay of [0, 0.9]) {
  onEachBackend(
    `multiTensorAdamWFutures() and multiTensorSgdFutures() equal their formula, decay ${decay}`,
    async () => {
      const [parameters, firsts] = [tensors("p"), tensors("m")];
      const seconds = tensors("v").map((v) => tf.abs(v));
      const [byAdamW, bySgd] = [tensors("average"), tensors("average")];
      const shiftAt = (i: number) => 0.1 / (1 + i);
      const entries = (averages: readonly tf.Tensor[], hasSecond: boolean) =>
        averages.map((average, i) => ({
          ...{ average, parameter: parameters[i] ?? assert.fail() },
          first: firsts[i] ?? assert.fail(),
          second: hasSecond ? seconds[i] ?? assert.fail() : null,
          shift: shiftAt(i),
        }));
      const before = await bitsOf(byAdamW);
      const shared = { decay, oneMinusDecay: 1 - decay };
      const root = { biasCorrection: 1.5, epsilon: 0.01 };
      multiTensorAdamWFutures(entries(byAdamW, true), { ...shared, ...root });
      multiTensorSgdFutures(entries(bySgd, false), shared);
      const [p, m, v] = [
        await bitsOf(parameters),
        await bitsOf(firsts),
        await bitsOf(seconds),
      ];
      for (const [i, average] of byAdamW.entries()) {
        const at = (values: typeof p, j: number) => Number(values[i]?.[j]);
        const mean = (j: number) => decay * at(before, j) + (1 - decay) * at(p, j);
        const elements = Array.from({ length: average.size }, (_, j) => j);
        const adamw = elements.map((j) =>
          mean(j) - shiftAt(i) * at(m, j) / (1.5 * Math.sqrt(at(v, j)) + 0.01)
        );
        await assertClose(average, adamw, 2e-6, `AdamW, tensor ${i}`);
        const sgd = elements.map((j) => mean(j) - shiftAt(i) * at(m, j));
        await assertClose(bySgd[i] ?? assert.fail(), sgd, 2e-6, `SGD, tensor ${i}`);
      }
      const after = [parameters, firsts, seconds].map(bitsOf);
      assert.deepEqual(await Promise.all(after), [p, m, v], "nothing else is changed");
    },
  );
}

onEachBackend("lerp() of a large tensor updates all views of its memory", async () => {
  // Large enough to be averaged by XNNPACK on wasm.
  const [rows, columns] = [256, 80];
  const target = randomTensor<tf.Rank.R2>([rows, columns], "target");
  const source = randomTensor<tf.Rank.R2>([rows, columns], "source");
  const shared = tf.reshape(target, [columns, rows]);
  const [old, other] = [await readBack(target), await readBack(source)];
  const expected = old.map((value: number, i: number) =>
    0.999 * value + 0.001 * Number(other[i])
  );
  // The packed copy of the old elements for products must be dropped.
  const factor = randomTensor<tf.Rank.R2>([3, rows], "factor");
  tf.matMul(factor, target).dispose();
  lerp(target, source, 0.999);
  await assertClose(target, expected, 2e-7);
  await assertClose(shared, expected, 2e-7);
  await assertClose(
    tf.matMul(factor, target),
    tf.matMul(factor, tf.tensor2d(expected, [rows, columns])),
    1e-5,
  );
});

onEachBackend("lerp() of a large tensor allocates no tensor", () => {
  const [target, source] = [tf.zeros([20_000]), tf.ones([20_000])];
  const before = tf.memory().numTensors;
  lerp(target, source, 0.5);
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("lerp() on wasm does not change the average of a constant", async () => {
  await openBackend("wasm");
  for (const size of [64, 20_000]) {
    const [target, source] = [tf.fill([size], 0.1), tf.fill([size], 0.1)];
    for (let i = 0; i < 50; i++) lerp(target, source, 0.9999);
    assert.deepEqual(await readBack(target), await readBack(source));
  }
});
