import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { gradientOf } from "../../src/core/gradient.ts";
import type { Decoder } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initialWeights, releaseWeights } from "../../src/core/weights.ts";
import { deeplabV2Head } from "../../src/models/deeplab_v2_head.ts";
import { deeplabV3PlusHead } from "../../src/models/deeplab_v3_plus_head.ts";
import { network } from "../../src/models/network.ts";
import { pspHead } from "../../src/models/psp_head.ts";
import { resnet } from "../../src/models/resnet.ts";
import { onEachBackend, randomTensor } from "../support/mod.ts";

const CLASSES = 5;
const SHAPE = { depths: [1, 1, 2, 1], stem: 4, planes: 2 } as const;
const WIDTHS = [8, 16, 32, 64];
// Of images of 37×50: strides 4 and 8, rounded up.
const FINE = [10, 13];
const COARSE = [5, 7];

const HEADS: Record<string, readonly [() => Decoder, size: readonly number[]]> = {
  "DeepLabV2": [
    () => deeplabV2Head("decode_head", WIDTHS, { classes: CLASSES, dilations: [6, 12] }),
    COARSE,
  ],
  "PSPNet": [
    () =>
      pspHead("decode_head", WIDTHS, {
        classes: CLASSES,
        channels: 6,
        bins: [1, 2, 3, 6],
        dropout: 0.1,
      }),
    COARSE,
  ],
  "DeepLabV3+": [
    () =>
      deeplabV3PlusHead("decode_head", WIDTHS, {
        classes: CLASSES,
        channels: 6,
        fineChannels: 3,
        dilations: [1, 12],
        dropout: 0.1,
      }),
    FINE,
  ],
};

for (const [name, [head, size]] of Object.entries(HEADS)) {
  onEachBackend(
    `a ResNet answers odd sizes with finite gradients: ${name}`,
    async () => {
      const built = network(resnet("backbone", SHAPE), head(), CLASSES);
      assert.deepEqual(built.encoder.widths, WIDTHS);
      const weights = initialWeights(built.parameters, 1);
      const images = randomTensor<tf.Rank.R4>([2, 37, 50, 3]);
      const before = tf.memory().numTensors;
      const { value, gradient } = gradientOf(
        built.parameters,
        weights,
        () =>
          tf.tidy(() => {
            const chance = { seed: 1, stream: 2, iteration: 3 };
            const { features, logits } = built.forward(weights, images, {
              training: true,
              chance,
            });
            assert.deepEqual(
              features.map(({ shape }) => shape),
              WIDTHS.map((width, i) => [2, ...(i === 0 ? FINE : COARSE), width]),
            );
            assert.deepEqual(logits.shape, [2, ...size, CLASSES]);
            return tf.mean(tf.square(logits));
          }),
      );
      assert.ok(Number.isFinite((await readBack(value))[0]));
      const sums = tf.tidy(() =>
        tf.stack([...gradient.values()].map((slope) => tf.sum(tf.abs(slope))))
      );
      const sizes = await readBack(sums);
      assert.ok(sizes.every((size: number) => Number.isFinite(size)));
      assert.ok(sizes.some((size: number) => size > 0));
      tf.dispose([value, sums]);
      releaseWeights(gradient);
      assert.equal(tf.memory().numTensors, before, "nothing else is kept");
      releaseWeights(weights);
    },
  );
}

onEachBackend("a head refuses maps of another encoder", () => {
  const maps = [tf.zeros<tf.Rank.R4>([1, 2, 2, 8])];
  for (const [head] of Object.values(HEADS)) {
    const decoder = head();
    assert.throws(
      () => decoder.apply(new Map(), maps, { training: false, chance: null }),
      { name: "RangeError", message: /Cannot decode 1 maps.* built for 4/ },
    );
  }
  tf.dispose(maps);
});
