import assert from "node:assert/strict";
import type { Network } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { predictLabels } from "../../src/evaluate/inference.ts";
import { onEachBackend } from "../support/mod.ts";

// Labels a pixel 1 where its red is positive, at half the resolution.
const network = {
  classCount: 2,
  encoder: { strides: [2] },
  forward(_weights: unknown, images: tf.Tensor4D) {
    const [B, H, W] = images.shape;
    const red = tf.slice(images, [0, 0, 0, 0], [B, H, W, 1]);
    const logits = tf.avgPool(tf.concat([tf.neg(red), red], 3), 2, 2, "valid");
    return { features: [], logits };
  },
} as unknown as Network; // inference reads nothing else

const [HEIGHT, WIDTH] = [8, 12];
const view = (red: (y: number, x: number) => number) => {
  const image = new Float32Array(HEIGHT * WIDTH * 3);
  for (let i = 0; i < HEIGHT * WIDTH; i++) {
    image[3 * i] = red(Math.floor(i / WIDTH), i % WIDTH);
  }
  const originalSize = { height: 2 * HEIGHT, width: 2 * WIDTH };
  const size = { height: HEIGHT, width: WIDTH, channels: 3 };
  return { name: "x", ...size, image, originalSize, label: null };
};
const whole = { mode: "whole", windowSize: null, stride: null, flip: false } as const;
const slide = {
  mode: "slide",
  windowSize: { height: 4, width: 6 },
  stride: { height: 3, width: 4 },
  flip: false,
} as const;

onEachBackend(
  "predictLabels() labels at the original size, whole or in windows",
  async () => {
    const right = view((_, x) => x >= WIDTH / 2 ? 1 : -1);
    const expected = Uint8Array.from(
      { length: 4 * HEIGHT * WIDTH },
      (_, i) => i % (2 * WIDTH) >= WIDTH ? 1 : 0,
    );
    const weights = new Map();
    for (const mode of [whole, slide, { ...whole, flip: true }]) {
      assert.deepEqual(await predictLabels(network, weights, [right], mode), expected);
    }
    assert.deepEqual(
      await predictLabels(network, weights, [right, right], whole),
      expected,
    );
  },
);

onEachBackend("predictLabels() keeps no tensor", async () => {
  const before = tf.memory().numTensors;
  await predictLabels(network, new Map(), [view(() => 1)], { ...slide, flip: true });
  assert.equal(tf.memory().numTensors, before);
});
