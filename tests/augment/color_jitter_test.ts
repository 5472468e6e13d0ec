import assert from "node:assert/strict";
import { drawJitter, jitterColors } from "../../src/augment/color_jitter.ts";
import { IMAGENET } from "../../src/core/host_batch.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";

const PLAIN = { mean: [0, 0, 0], deviation: [255, 255, 255] } as const;
const IDLE = { brightness: 1, contrast: 1, saturation: 1, hue: 0, order: [0, 1, 2, 3] };

Deno.test("drawJitter() stays within its strength and orders all four steps", () => {
  const random = createRandom(2, "jitter");
  for (let i = 0; i < 100; i++) {
    const { brightness, contrast, saturation, hue, order } = drawJitter(0.2, random);
    for (const factor of [brightness, contrast, saturation, 1 + hue]) {
      assert.ok(Math.abs(factor - 1) <= 0.2, `${factor}`);
    }
    assert.deepEqual(order.toSorted(), [0, 1, 2, 3]);
  }
});

onEachBackend("jitterColors() with neutral factors changes nothing", async () => {
  const random = createRandom(4, "image");
  const cells = Float32Array.from({ length: 2 * 3 * 5 * 3 }, () => random.uniform());
  const { mean, deviation } = IMAGENET;
  const image = tf.div(
    tf.sub(tf.mul(tf.tensor4d(cells, [2, 3, 5, 3]), 255), mean),
    deviation,
  );
  const same = jitterColors(image as tf.Tensor4D, [IDLE, IDLE], IMAGENET);
  await assertClose(same, image, 1e-5);
});

onEachBackend(
  "jitterColors() adds brightness and multiplies contrast, clamped",
  async () => {
    const image = tf.tensor4d([0.2, 0.5, 0.9], [1, 1, 1, 3]);
    const bright = jitterColors(image, [{ ...IDLE, brightness: 1.2 }], PLAIN);
    await assertClose(bright, [0.4, 0.7, 1], 1e-5);
    const flat = jitterColors(image, [{ ...IDLE, contrast: 0.5 }], PLAIN);
    await assertClose(flat, [0.1, 0.25, 0.45], 1e-5);
  },
);

onEachBackend(
  "jitterColors() turns red by a third into green, either way round",
  async () => {
    const red = tf.tensor4d([0.8, 0, 0], [1, 1, 1, 3]);
    for (const hue of [1 / 3, -2 / 3]) {
      const turned = jitterColors(red, [{ ...IDLE, hue }], PLAIN);
      await assertClose(turned, [0, 0.8, 0], 1e-5);
    }
  },
);

onEachBackend("jitterColors() treats each sample by its own factors", async () => {
  const images = tf.fill([2, 1, 1, 3], 0.5) as tf.Tensor4D;
  const factors = [IDLE, { ...IDLE, brightness: 0.9 }];
  const jittered = jitterColors(images, factors, PLAIN);
  await assertClose(jittered, [0.5, 0.5, 0.5, 0.4, 0.4, 0.4], 1e-5);
});

onEachBackend("jitterColors() throws when factors are missing", () => {
  assert.throws(() => jitterColors(tf.zeros([2, 1, 1, 3]), [IDLE], PLAIN), {
    name: "RangeError",
    message: 'Cannot jitter 2 images: "factors" must have one entry each, but has 1',
  });
});
