import assert from "node:assert/strict";
import { openBackend, readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { dropout, type DropoutUnit } from "../../src/ops/dropout/dropout.ts";
import { onEachBackend } from "../support/mod.ts";

const KEY = { seed: 3, stream: 11, iteration: 5 };
const draw = (unit: DropoutUnit, rate = 0.25) =>
  dropout(tf.ones<tf.Rank.R4>([16, 8, 8, 16]), rate, unit, KEY);

onEachBackend("dropout() drops the requested fraction and keeps the mean", async () => {
  const values = await readBack(draw("element"));
  const zeros = values.filter((value: number) => value === 0).length / values.length;
  assert.ok(Math.abs(zeros - 0.25) < 0.01, `dropped ${zeros}`);
  assert.ok(Math.abs((values[values.findIndex((c) => c > 0)] ?? 0) - 4 / 3) < 1e-6);
});

onEachBackend("dropout() drops whole channels or whole samples", async () => {
  const sums = await readBack(tf.sum(draw("channel", 0.5), [1, 2])); // [16, 16]
  assert.ok(sums.every((sum: number) => sum === 0 || sum === 2 * 64));
  assert.ok(new Set(sums).size === 2);
  const samples = await readBack(tf.sum(draw("sample", 0.5), [1, 2, 3])); // [16]
  assert.ok(samples.every((sum: number) => sum === 0 || sum === 2 * 8 * 8 * 16));
});

onEachBackend("dropout() draws the same numbers on every backend", async (backend) => {
  const found = await readBack(draw("element"));
  await openBackend("wasm");
  assert.deepEqual(found, await readBack(draw("element")));
  await openBackend(backend);
});

onEachBackend("dropout() passes gradients through kept elements only", async () => {
  const x = tf.ones<tf.Rank.R4>([4, 2, 2, 3]);
  const gradient = tf.grad((x) => dropout(x, 0.5, "element", KEY))(x);
  assert.deepEqual(
    await readBack(gradient),
    await readBack(dropout(x, 0.5, "element", KEY)),
  );
});
