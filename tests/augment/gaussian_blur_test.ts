import assert from "node:assert/strict";
import { blurKernelSize, gaussianBlur } from "../../src/augment/gaussian_blur.ts";
import type { HostBatch } from "../../src/core/host_batch.ts";
import { hostInput, setHostInputHook } from "../../src/core/host_input.ts";
import * as tf from "../../src/core/tf.ts";
import {
  assertClose,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

Deno.test("blurKernelSize() is an odd tenth of the image size", () => {
  const sizes = [64, 128, 256, 321, 512, 640].map(blurKernelSize);
  assert.deepEqual(sizes, [7, 13, 25, 33, 51, 63]);
});

onEachBackend("gaussianBlur() equals a convolution with the full kernel", async () => {
  const [sigma, size] = [1.15, 31];
  const line = Array.from(
    { length: size },
    (_, k) => Math.exp(-((k - 15) ** 2) / (2 * sigma ** 2)),
  );
  const sum = line.reduce((a, b) => a + b, 0);
  const elements = line.flatMap((a) => line.map((b) => a * b / sum ** 2));
  const x = randomTensor<tf.Rank.R4>([1, 40, 33, 1]);
  const padded = tf.mirrorPad(x, [[0, 0], [15, 15], [15, 15], [0, 0]], "reflect");
  const kernel = tf.tensor4d(elements, [size, size, 1, 1]);
  const expected = tf.conv2d(padded as tf.Tensor4D, kernel, 1, "valid");
  await assertClose(gaussianBlur(x, [sigma], { size: [size, size] }), expected, 2e-6);
});

onEachBackend(
  "gaussianBlur() reaches as far as the largest sigma for all of them",
  async () => {
    const x = randomTensor<tf.Rank.R4>([1, 420, 330, 1]);
    const host = { batchSize: 1, height: 420, width: 330 } as HostBatch;
    const lengths: number[] = [];
    for (const sigma of [0, 0.3, 2]) {
      setHostInputHook(({ shape }) => lengths.push(shape[1] ?? NaN));
      const blurred = gaussianBlur(x, hostInput({ host }, () => [sigma]), {
        maxSigma: 2,
      });
      setHostInputHook(null);
      await assertClose(blurred, gaussianBlur(x, [sigma], { maxSigma: 5 }), 2e-6);
    }
    // 2·⌈7 · 2⌉ + 1, which is below a tenth of the sides.
    assert.deepEqual(lengths, Array(6).fill(29));
  },
);

onEachBackend("gaussianBlur() applies sigma per sample", async () => {
  const x = randomTensor<tf.Rank.R4>([2, 30, 21, 3]);
  const [first, second] = tf.split(x, 2) as [tf.Tensor4D, tf.Tensor4D];
  const separate = tf.concat([gaussianBlur(first, [0.2]), gaussianBlur(second, [1])]);
  await assertClose(gaussianBlur(x, [0.2, 1]), separate, 1e-6);
});

onEachBackend("gaussianBlur() leaks no tensors", () => {
  const x = randomTensor<tf.Rank.R4>([1, 30, 21, 3]);
  assert.equal(tensorsKeptBy(() => gaussianBlur(x, [1])), 1);
});
