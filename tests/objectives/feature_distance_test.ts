import * as tf from "../../src/core/tf.ts";
import {
  downscaleLabels,
  featureDistance,
  maskOfClasses,
} from "../../src/objectives/feature_distance.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";
import assert from "node:assert/strict";

const map = (stream: string) => randomTensor<tf.Rank.R4>([2, 3, 5, 7], stream);
const mask = () =>
  tf.tensor3d(Array.from({ length: 30 }, (_, i) => Number(i % 3 === 0)), [2, 3, 5]);

onEachBackend("featureDistance() matches finite-difference gradients", async () => {
  await assertGradients(
    (features) => featureDistance(features as tf.Tensor, map("b"), mask(), 0.5),
    [map("a")],
  );
});

onEachBackend("featureDistance() of an empty mask is 0 with zero gradient", async () => {
  const loss = (features: tf.Tensor) =>
    featureDistance(features, map("b"), tf.zeros([2, 3, 5]), 1);
  await assertClose(loss(map("a")), [0], 0);
  await assertClose(tf.grad(loss)(map("a")), tf.zeros([2, 3, 5, 7]), 0);
});

onEachBackend("featureDistance() of equal features has zero gradient", async () => {
  const loss = (features: tf.Tensor) => featureDistance(features, map("a"), null, 1);
  await assertClose(tf.grad(loss)(map("a")), tf.zeros([2, 3, 5, 7]), 0);
});

const SIZE = { height: 32, width: 32 };
const OPTIONS = { classCount: 19, factor: 32, scaleMinRatio: 0.75 };

// 1024 pixels, the first `count` of which are class 13.
const block = (count: number, otherLabel: number) =>
  Uint8Array.from({ length: 1024 }, (_, i) => i < count ? 13 : otherLabel);

Deno.test("downscaleLabels() keeps a class at exactly the minimum fraction", () => {
  assert.deepEqual([...downscaleLabels(block(768, 2), SIZE, OPTIONS)], [13]);
  assert.deepEqual([...downscaleLabels(block(767, 2), SIZE, OPTIONS)], [255]);
});

Deno.test("downscaleLabels() ignores a block that is mostly ignored", () => {
  const options = { ...OPTIONS, scaleMinRatio: 0 };
  assert.deepEqual([...downscaleLabels(block(256, 255), SIZE, options)], [255]);
  assert.deepEqual([...downscaleLabels(block(768, 255), SIZE, options)], [13]);
});

Deno.test("maskOfClasses() marks the pixels of the given classes", () => {
  assert.deepEqual([...maskOfClasses(Uint8Array.of(1, 2, 255, 1), [1, 7])], [1, 0, 0, 1]);
});
