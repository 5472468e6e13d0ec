import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { gradientOf } from "../../src/core/gradient.ts";
import { EVALUATION } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initialWeights, releaseWeights } from "../../src/core/weights.ts";
import { beit, type BeitShape } from "../../src/models/beit.ts";
import { fcnHead } from "../../src/models/fcn_head.ts";
import { featurePyramid, withPyramid } from "../../src/models/feature_pyramid.ts";
import { network } from "../../src/models/network.ts";
import { upernetHead } from "../../src/models/upernet_head.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";

const CLASSES = 5;
const SHAPE: BeitShape = {
  width: 8,
  depth: 3,
  heads: 2,
  outputs: [0, 1, 2, 2],
  imageSize: 64,
  dropPath: 0.2,
  layerScale: 0.1,
};

function tiny() {
  const backbone = beit("backbone", SHAPE);
  const encoder = withPyramid(backbone, featurePyramid("neck", SHAPE.width));
  const channels = 4;
  const bins = [1, 2];
  const dropout = 0.1;
  const decoder = upernetHead("decode_head", encoder.widths, {
    classes: CLASSES,
    channels,
    bins,
    dropout,
  });
  const beside = fcnHead("auxiliary_head", encoder.widths, {
    classes: CLASSES,
    level: 2,
    channels,
    convolutions: 2,
    dropout,
  });
  return network(encoder, decoder, CLASSES, [{ decoder: beside, lossWeight: 0.4 }]);
}

onEachBackend("BEiT with UPerNet answers odd sizes with finite gradients", async () => {
  const built = tiny();
  const weights = initialWeights(built.parameters, 1);
  // Three times four patches; neither side is a multiple of 16.
  const images = randomTensor<tf.Rank.R4>([2, 37, 50, 3]);
  const kept: number[] = [];
  for (let iteration = 0; iteration < 3; iteration++) {
    const { value, gradient } = gradientOf(
      built.parameters,
      weights,
      () =>
        tf.tidy(() => {
          const chance = { seed: 1, stream: 2, iteration };
          const pass = { training: true, chance };
          const { features, logits, sides } = built.forward(weights, images, pass);
          assert.deepEqual(features.map(({ shape }) => shape), [
            [2, 12, 16, 8],
            [2, 6, 8, 8],
            [2, 3, 4, 8],
            [2, 1, 2, 8],
          ]);
          assert.deepEqual(logits.shape, [2, 12, 16, CLASSES]);
          assert.deepEqual(sides.map(({ logits }) => logits.shape), [[2, 3, 4, CLASSES]]);
          const side = sides[0]?.logits ?? assert.fail();
          return tf.add(tf.mean(tf.square(logits)), tf.mean(tf.square(side)));
        }),
    );
    assert.ok(Number.isFinite((await readBack(value))[0]));
    const trained = built.parameters.filter(({ trained }) => trained);
    assert.equal(gradient.size, trained.length, "every parameter has a gradient");
    const sums = tf.tidy(() =>
      tf.stack([...gradient.values()].map((slope) => tf.sum(tf.abs(slope))))
    );
    assert.ok((await readBack(sums)).every((size: number) => Number.isFinite(size)));
    tf.dispose([value, sums]);
    releaseWeights(gradient);
    kept.push(tf.memory().numTensors);
  }
  assert.equal(kept[2], kept[1], "nothing is kept");
  releaseWeights(weights);
});

onEachBackend(
  "beit() pads a picture with zeros at the bottom and the right",
  async () => {
    const encoder = beit("backbone", SHAPE);
    const weights = initialWeights(encoder.parameters, 1);
    const images = randomTensor<tf.Rank.R4>([1, 17, 30, 3]);
    const padded = tf.pad(images, [[0, 0], [0, 15], [0, 2], [0, 0]]);
    const found = encoder.apply(weights, images, EVALUATION);
    const expected = encoder.apply(weights, padded, EVALUATION);
    for (const [i, map] of found.entries()) {
      assert.deepEqual(map.shape, [1, 2, 2, 8]);
      await assertClose(map, expected[i] ?? assert.fail(), 1e-6);
    }
    releaseWeights(weights);
  },
);

onEachBackend("beit() refuses a picture beyond its positions with the cure", () => {
  const encoder = beit("backbone", { ...SHAPE, imageSize: [64, 32] });
  assert.throws(() => encoder.apply(new Map(), tf.zeros([1, 64, 33, 3]), EVALUATION), {
    name: "RangeError",
    message: "Cannot encode a picture of 64×33: this BEiT knows positions in at most " +
      '64×32 pixels; set "evaluation.mode" to slide with an "evaluation.window" of ' +
      '64×32, "data.crop" to at most that, or the encoder\'s "imageSize" to 64',
  });
});

Deno.test("beit() names an output that is no block", () => {
  assert.throws(() => beit("backbone", { ...SHAPE, outputs: [0, 1, 2, 3] }), {
    name: "RangeError",
    message: 'Cannot build a BEiT: "outputs" must be blocks 0 … 2: received 3',
  });
});

Deno.test("beit() starts as the reference does", () => {
  const { parameters } = beit("backbone", SHAPE);
  const initial = (name: string) =>
    parameters.find((one) => one.name === `backbone.${name}`)?.initial;
  const block = "layers.2";
  assert.deepEqual(initial("cls_token"), { kind: "truncated-normal", deviation: 0.02 });
  assert.deepEqual(initial(`${block}.gamma_2`), { kind: "constant", value: 0.1 });
  assert.deepEqual(initial(`${block}.attn.q_bias`), { kind: "constant", value: 0 });
  assert.deepEqual(initial(`${block}.attn.proj.bias`), { kind: "constant", value: 0 });
  const drawn = { kind: "normal", deviation: 1e-6 };
  assert.deepEqual(initial(`${block}.ffn.layers.1.bias`), drawn);
  const embed = { kind: "normal", deviation: Math.sqrt(2 / 768) };
  assert.deepEqual(initial("patch_embed.projection.weight"), embed);
});

Deno.test("withPyramid() takes as many maps as it makes", () => {
  const three = beit("backbone", { ...SHAPE, outputs: [0, 1, 2] });
  assert.throws(() => withPyramid(three, featurePyramid("neck", SHAPE.width)), {
    name: "RangeError",
    message: "Cannot make a pyramid of 3 maps: it takes 4",
  });
});
