import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { applyGrayscale } from "../../src/augment/grayscale.ts";
import {
  assertClose,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

const NORMALIZATION = { mean: [100, 110, 120], std: [50, 60, 70] } as const;

onEachBackend(
  "applyGrayscale() gives marked images their luma, others nothing",
  async () => {
    for (const channels of [3, 5]) {
      const images = randomTensor<tf.Rank.R4>([2, 3, 4, channels], `${channels}`);
      const before = [...await readBack(images)];
      const gray = applyGrayscale(images, [false, true], NORMALIZATION);
      const { mean, std } = NORMALIZATION;
      const expected = before.map((value, i) => {
        const channel = i % channels;
        if (i < before.length / 2 || channel > 2) return value;
        const luma = [0.299, 0.587, 0.114].reduce((sum, weight, k) => {
          const x = before[i - channel + k] ?? NaN;
          return sum + weight * (x * (std[k] ?? NaN) + (mean[k] ?? NaN));
        }, 0);
        return (luma - (mean[channel] ?? NaN)) / (std[channel] ?? NaN);
      });
      await assertClose(gray, expected, 1e-6);
      const untouched = [...await readBack(gray)].slice(0, before.length / 2);
      assert.deepEqual(untouched, before.slice(0, before.length / 2));
    }
  },
);

onEachBackend("applyGrayscale() leaves images without colors as they are", async () => {
  const images = randomTensor<tf.Rank.R4>([1, 3, 4, 2], "two");
  const gray = applyGrayscale(images, [true], { mean: [1, 1], std: [2, 2] });
  assert.deepEqual(await readBack(gray), await readBack(images));
});

onEachBackend("applyGrayscale() leaks no tensors and wants a mark per image", () => {
  const images = randomTensor<tf.Rank.R4>([2, 3, 4, 3], "leak");
  assert.equal(
    tensorsKeptBy(() => applyGrayscale(images, [true, false], NORMALIZATION)),
    1,
  );
  assert.throws(() => applyGrayscale(images, [true], NORMALIZATION), {
    name: "RangeError",
    message: 'Cannot gray 2 images: "isGray" must have one entry each, but has 1',
  });
});
