import assert from "node:assert/strict";
import { applyColorJitter, drawColorJitter } from "../../src/augment/color_jitter.ts";
import { IMAGENET } from "../../src/core/host_batch.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";

const PLAIN = { mean: [0, 0, 0], std: [255, 255, 255] } as const;
const IDENTITY = {
  brightness: 1,
  contrast: 1,
  saturation: 1,
  hue: 0,
  order: [0, 1, 2, 3],
};

Deno.test("drawColorJitter() stays within the strength and permutes all four steps", () => {
  const random = createRandom(2, "jitter");
  for (let i = 0; i < 100; i++) {
    const { brightness, contrast, saturation, hue, order } = drawColorJitter(0.2, random);
    for (const factor of [brightness, contrast, saturation, 1 + hue]) {
      assert.ok(Math.abs(factor - 1) <= 0.2, `${factor}`);
    }
    assert.deepEqual(order.toSorted(), [0, 1, 2, 3]);
  }
});

onEachBackend("applyColorJitter() with neutral factors is the identity", async () => {
  const random = createRandom(4, "image");
  const elements = Float32Array.from({ length: 2 * 3 * 5 * 3 }, () => random.uniform());
  const { mean, std } = IMAGENET;
  const image = tf.div(
    tf.sub(tf.mul(tf.tensor4d(elements, [2, 3, 5, 3]), 255), mean),
    std,
  );
  const unchanged = applyColorJitter(
    image as tf.Tensor4D,
    [IDENTITY, IDENTITY],
    IMAGENET,
  );
  await assertClose(unchanged, image, 1e-5);
});

onEachBackend(
  "applyColorJitter() adds brightness and multiplies contrast, clamped",
  async () => {
    const image = tf.tensor4d([0.2, 0.5, 0.9], [1, 1, 1, 3]);
    const bright = applyColorJitter(image, [{ ...IDENTITY, brightness: 1.2 }], PLAIN);
    await assertClose(bright, [0.4, 0.7, 1], 1e-5);
    const flat = applyColorJitter(image, [{ ...IDENTITY, contrast: 0.5 }], PLAIN);
    await assertClose(flat, [0.1, 0.25, 0.45], 1e-5);
  },
);

onEachBackend(
  "applyColorJitter() leaves all but the first three channels alone",
  async () => {
    const elements = [0.2, 0.5, 0.9, 7, -3, 0.1, 0.2, 0.3, 8, -4];
    const image = tf.tensor4d(elements, [1, 1, 2, 5]);
    const bright = applyColorJitter(image, [{ ...IDENTITY, brightness: 1.2 }], PLAIN);
    await assertClose(bright, [0.4, 0.7, 1, 7, -3, 0.3, 0.4, 0.5, 8, -4], 1e-5);
    const gray = tf.tensor4d(elements, [1, 1, 5, 2]);
    await assertClose(
      applyColorJitter(gray, [{ ...IDENTITY, brightness: 1.2 }], PLAIN),
      gray,
      0,
    );
  },
);

onEachBackend(
  "applyColorJitter() rotates the hue of red by a third to green in both directions",
  async () => {
    const red = tf.tensor4d([0.8, 0, 0], [1, 1, 1, 3]);
    for (const hue of [1 / 3, -2 / 3]) {
      const rotated = applyColorJitter(red, [{ ...IDENTITY, hue }], PLAIN);
      await assertClose(rotated, [0, 0.8, 0], 1e-5);
    }
  },
);

onEachBackend(
  "applyColorJitter() applies the factors per sample",
  async () => {
    const images = tf.fill([2, 1, 1, 3], 0.5) as tf.Tensor4D;
    const factors = [IDENTITY, { ...IDENTITY, brightness: 0.9 }];
    const jittered = applyColorJitter(images, factors, PLAIN);
    await assertClose(jittered, [0.5, 0.5, 0.5, 0.4, 0.4, 0.4], 1e-5);
  },
);

onEachBackend("applyColorJitter() throws when factors are missing", () => {
  assert.throws(() => applyColorJitter(tf.zeros([2, 1, 1, 3]), [IDENTITY], PLAIN), {
    name: "RangeError",
    message: 'Cannot jitter 2 images: "factors" must have one entry each, but has 1',
  });
});
