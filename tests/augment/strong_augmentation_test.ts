import assert from "node:assert/strict";
import {
  applyStrongAugmentation,
  drawStrongAugmentation,
} from "../../src/augment/strong_augmentation.ts";
import { IMAGENET } from "../../src/core/host_batch.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import {
  assertClose,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

const OPTIONS = {
  colorJitterStrength: 0.2,
  colorJitterProbability: 0.8,
  blurProbability: 0.5,
  classesFrom: "image",
} as const;
const LABELS = Uint8Array.from({ length: 2 * 20 * 12 }, (_, i) => i % 7);
const NO_AUGMENTATION = { classes: [[1], [2, 3]], jitter: null, sigmas: null };

function example() {
  return {
    source: {
      images: randomTensor<tf.Rank.R4>([2, 20, 12, 3], "source"),
      labels: tf.tensor3d(Int32Array.from(LABELS), [2, 20, 12], "int32"),
    },
    target: {
      images: randomTensor<tf.Rank.R4>([2, 20, 12, 3], "target"),
      labels: tf.fill([2, 20, 12], 9, "int32"),
      pixelWeights: tf.fill([2, 20, 12], 0.25),
    },
  };
}

Deno.test("drawStrongAugmentation() applies jitter and blur with their probabilities", () => {
  const draws = Array.from(
    { length: 2000 },
    (_, i) => drawStrongAugmentation(LABELS, 2, OPTIONS, createRandom(5, "strong", i)),
  );
  const fraction = (has: (draw: typeof draws[number]) => boolean) =>
    draws.filter(has).length / draws.length;
  assert.ok(Math.abs(fraction(({ jitter }) => jitter !== null) - 0.8) < 0.03);
  assert.ok(Math.abs(fraction(({ sigmas }) => sigmas !== null) - 0.5) < 0.04);
  for (const { classes, jitter, sigmas } of draws) {
    assert.equal(classes.length, 2);
    assert.ok(jitter === null || jitter.length === 2);
    assert.ok(sigmas === null || sigmas.every((sigma) => sigma >= 0.15 && sigma <= 1.15));
  }
});

onEachBackend("applyStrongAugmentation() pastes the source with weight 1", async () => {
  const { source, target } = example();
  const mixed = applyStrongAugmentation({ source, target }, NO_AUGMENTATION, IMAGENET);
  const pasted = Array.from(
    LABELS,
    (label, i) => i < LABELS.length / 2 ? label === 1 : label === 2 || label === 3,
  );
  await assertClose(mixed.pixelWeights, pasted.map((isPasted) => isPasted ? 1 : 0.25), 0);
  await assertClose(
    mixed.labels,
    pasted.map((isPasted, i) => isPasted ? LABELS[i] ?? 0 : 9),
    0,
  );
  const mask = tf.tensor4d(pasted.map(Number), [2, 20, 12, 1]);
  const unpasted = tf.mul(tf.sub(1, mask), target.images);
  await assertClose(mixed.images, tf.add(tf.mul(mask, source.images), unpasted), 0);
});

onEachBackend(
  "applyStrongAugmentation() uses a given mask instead of the classes",
  async () => {
    const { source, target } = example();
    const fullMask = tf.fill([2, 20, 12], 1, "int32");
    const mixed = applyStrongAugmentation(
      { source, target },
      NO_AUGMENTATION,
      IMAGENET,
      { mask: fullMask },
    );
    await assertClose(mixed.images, source.images, 0);
    await assertClose(mixed.labels, source.labels, 0);
  },
);

onEachBackend("leaving the blur out is the same as not blurring", async () => {
  const jitter = [0.9, 1.1].map((factor) => ({
    ...{ brightness: factor, contrast: factor, saturation: factor, hue: 0.05 },
    order: [0, 1, 2, 3],
  }));
  const augment = (neverBlurs: boolean) =>
    applyStrongAugmentation(example(), { ...NO_AUGMENTATION, jitter }, IMAGENET, {
      neverBlurs,
    });
  await assertClose(augment(true).images, augment(false).images, 0);
});

onEachBackend("applyStrongAugmentation() leaks no tensors", () => {
  const input = example();
  const options = { ...OPTIONS, colorJitterProbability: 1, blurProbability: 1 };
  const augmentation = drawStrongAugmentation(
    LABELS,
    2,
    options,
    createRandom(1, "strong"),
  );
  for (const neverBlurs of [false, true]) {
    assert.equal(
      tensorsKeptBy(() =>
        applyStrongAugmentation(input, augmentation, IMAGENET, { neverBlurs })
      ),
      3,
    );
  }
});
