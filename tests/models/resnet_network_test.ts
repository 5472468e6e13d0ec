import assert from "node:assert/strict";
import type { Decoder } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import { deeplabV2Head } from "../../src/models/deeplab_v2_head.ts";
import { deeplabV3PlusHead } from "../../src/models/deeplab_v3_plus_head.ts";
import { encoderDecoder } from "../../src/models/encoder_decoder.ts";
import { pspHead } from "../../src/models/psp_head.ts";
import { resnet } from "../../src/models/resnet.ts";
import { onEachBackend } from "../support/mod.ts";
import { assertFiniteGradients, oddImages, TRAINING } from "../support/network_checks.ts";

const CLASSES = 5;
const SHAPE = { depths: [1, 1, 2, 1], stemChannels: 4, baseChannels: 2 } as const;
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
        poolScales: [1, 2, 3, 6],
        dropout: 0.1,
      }),
    COARSE,
  ],
  "DeepLabV3+": [
    () =>
      deeplabV3PlusHead("decode_head", WIDTHS, {
        classes: CLASSES,
        channels: 6,
        lowLevelChannels: 3,
        dilations: [1, 12],
        dropout: 0.1,
      }),
    FINE,
  ],
};

for (const [name, [head, size]] of Object.entries(HEADS)) {
  onEachBackend(
    `encoderDecoder() with ResNet has finite gradients on odd sizes: ${name}`,
    async () => {
      const built = encoderDecoder(resnet("backbone", SHAPE), head(), CLASSES);
      assert.deepEqual(built.encoder.channels, WIDTHS);
      const weights = initializeWeights(built.parameters, 1);
      const images = oddImages();
      await assertFiniteGradients(built.parameters, weights, () => {
        const { features, logits } = built.forward(weights, images, TRAINING);
        assert.deepEqual(
          features.map(({ shape }) => shape),
          WIDTHS.map((width, i) => [2, ...(i === 0 ? FINE : COARSE), width]),
        );
        assert.deepEqual(logits.shape, [2, ...size, CLASSES]);
        return tf.mean(tf.square(logits));
      });
      releaseWeights(weights);
    },
  );
}

onEachBackend("decoder heads reject maps of another encoder", () => {
  const maps = [tf.zeros<tf.Rank.R4>([1, 2, 2, 8])];
  for (const [head] of Object.values(HEADS)) {
    const decoder = head();
    assert.throws(
      () => decoder.apply(new Map(), maps, { training: false, rngKey: null }),
      { name: "RangeError", message: /Cannot decode 1 maps.* built for 4/ },
    );
  }
  tf.dispose(maps);
});
