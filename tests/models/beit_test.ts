import assert from "node:assert/strict";
import { EVAL_CONTEXT } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import { beit, type BeitOptions } from "../../src/models/beit.ts";
import { fcnHead } from "../../src/models/fcn_head.ts";
import { feature2Pyramid, withNeck } from "../../src/models/feature2_pyramid.ts";
import { encoderDecoder } from "../../src/models/encoder_decoder.ts";
import { upernetHead } from "../../src/models/upernet_head.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";
import { assertFiniteGradients, oddImages, TRAINING } from "../support/network_checks.ts";

const CLASSES = 5;
const SHAPE: BeitOptions = {
  embedDim: 8,
  depth: 3,
  numHeads: 2,
  outIndices: [0, 1, 2, 2],
  imageSize: 64,
  dropPathRate: 0.2,
  layerScaleInit: 0.1,
};

function tiny() {
  const backbone = beit("backbone", SHAPE);
  const encoder = withNeck(backbone, feature2Pyramid("neck", SHAPE.embedDim));
  const channels = 4;
  const poolScales = [1, 2];
  const dropout = 0.1;
  const decoder = upernetHead("decode_head", encoder.channels, {
    classes: CLASSES,
    channels,
    poolScales,
    dropout,
  });
  const auxiliaryHead = fcnHead("auxiliary_head", encoder.channels, {
    classes: CLASSES,
    inIndex: 2,
    channels,
    convolutions: 2,
    dropout,
  });
  return encoderDecoder(encoder, decoder, CLASSES, [{
    decoder: auxiliaryHead,
    lossWeight: 0.4,
  }]);
}

onEachBackend(
  "encoderDecoder() with BEiT and UPerNet has finite gradients on odd sizes",
  async () => {
    const built = tiny();
    const weights = initializeWeights(built.parameters, 1);
    const images = oddImages(); // three times four patches
    const loss = () => {
      const { features, logits, auxiliaryLogits } = built.forward(
        weights,
        images,
        TRAINING,
      );
      assert.deepEqual(features.map(({ shape }) => shape), [
        [2, 12, 16, 8],
        [2, 6, 8, 8],
        [2, 3, 4, 8],
        [2, 1, 2, 8],
      ]);
      assert.deepEqual(logits.shape, [2, 12, 16, CLASSES]);
      const auxiliary = auxiliaryLogits.map(({ logits }) => logits);
      assert.deepEqual(auxiliary.map(({ shape }) => shape), [[2, 3, 4, CLASSES]]);
      const losses = [logits, ...auxiliary].map((map) => tf.mean(tf.square(map)));
      return tf.addN(losses) as tf.Scalar;
    };
    for (let step = 0; step < 3; step++) {
      await assertFiniteGradients(built.parameters, weights, loss);
    }
    releaseWeights(weights);
  },
);

onEachBackend(
  "beit() zero-pads images at the bottom and right",
  async () => {
    const encoder = beit("backbone", SHAPE);
    const weights = initializeWeights(encoder.parameters, 1);
    const images = randomTensor<tf.Rank.R4>([1, 17, 30, 3]);
    const padded = tf.pad(images, [[0, 0], [0, 15], [0, 2], [0, 0]]);
    const found = encoder.apply(weights, images, EVAL_CONTEXT);
    const expected = encoder.apply(weights, padded, EVAL_CONTEXT);
    for (const [i, map] of found.entries()) {
      assert.deepEqual(map.shape, [1, 2, 2, 8]);
      await assertClose(map, expected[i] ?? assert.fail(), 1e-6);
    }
    releaseWeights(weights);
  },
);

onEachBackend(
  "beit() rejects images larger than its position table and names the cure",
  () => {
    const encoder = beit("backbone", { ...SHAPE, imageSize: [64, 32] });
    assert.throws(
      () => encoder.apply(new Map(), tf.zeros([1, 64, 33, 3]), EVAL_CONTEXT),
      {
        name: "RangeError",
        message: "Cannot encode an image of 64×33: this BEiT has positions for at most " +
          '64×32 pixels; set "evaluation.mode" to slide with an "evaluation.windowSize" of ' +
          '64×32, "data.cropSize" to at most that, or the encoder\'s "imageSize" to 64',
      },
    );
  },
);

Deno.test("beit() rejects an output index beyond its depth", () => {
  assert.throws(() => beit("backbone", { ...SHAPE, outIndices: [0, 1, 2, 3] }), {
    name: "RangeError",
    message: 'Cannot build a BEiT: "outIndices" must be blocks 0 … 2: received 3',
  });
});

Deno.test("beit() initializes like the reference", () => {
  const { parameters } = beit("backbone", SHAPE);
  const initializerOf = (name: string) =>
    parameters.find((parameter) => parameter.name === `backbone.${name}`)?.initializer;
  const block = "layers.2";
  assert.deepEqual(initializerOf("cls_token"), {
    kind: "truncated-normal",
    std: 0.02,
  });
  assert.deepEqual(initializerOf(`${block}.gamma_2`), { kind: "constant", value: 0.1 });
  assert.deepEqual(initializerOf(`${block}.attn.q_bias`), { kind: "constant", value: 0 });
  assert.deepEqual(initializerOf(`${block}.attn.proj.bias`), {
    kind: "constant",
    value: 0,
  });
  const drawn = { kind: "normal", std: 1e-6 };
  assert.deepEqual(initializerOf(`${block}.ffn.layers.1.bias`), drawn);
  const embed = { kind: "normal", std: Math.sqrt(2 / 768) };
  assert.deepEqual(initializerOf("patch_embed.projection.weight"), embed);
});

Deno.test("withNeck() rejects a wrong number of maps", () => {
  const three = beit("backbone", { ...SHAPE, outIndices: [0, 1, 2] });
  assert.throws(() => withNeck(three, feature2Pyramid("neck", SHAPE.embedDim)), {
    name: "RangeError",
    message: "Cannot make a pyramid of 3 maps: it takes 4",
  });
});
