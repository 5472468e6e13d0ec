import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { readBack } from "../../src/core/backend.ts";
import { gradientOf } from "../../src/core/gradient.ts";
import { EVALUATION, type Pass } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initialWeights, releaseWeights } from "../../src/core/weights.ts";
import { danetHead } from "../../src/models/danet_head.ts";
import { verifyFile } from "../../src/verify/mod.ts";
import { onEachBackend, randomTensor } from "../support/mod.ts";

const GOLDEN = fileURLToPath(new URL("../golden/head_danet.json", import.meta.url));
const OPTIONS = { classes: 5, channels: 8, reduced: 3, dropout: 0.5 };
const tiny = () => {
  const { applyWithSides, ...head } = danetHead("decode_head", [12, 16], OPTIONS);
  assert.ok(applyWithSides);
  return { ...head, applyWithSides };
};
const TRAINING: Pass = { training: true, chance: { seed: 1, stream: 2, iteration: 3 } };
const mapsOf = (H: number, W: number) => [
  tf.zeros<tf.Rank.R4>([2, 1, 1, 12]),
  randomTensor<tf.Rank.R4>([2, H, W, 16]),
];

onEachBackend("danetHead() is mmsegmentation's", async () => {
  const results = await verifyFile(GOLDEN);
  assert.deepEqual(results.filter(({ passed }) => !passed), []);
  assert.equal(results.length, 44);
});

Deno.test("danetHead() has the parameters of mmsegmentation in their order", async () => {
  const { tensors } = JSON.parse(await Deno.readTextFile(GOLDEN));
  const names = Object.keys(tensors).filter((key) => key.startsWith("weights/"));
  assert.deepEqual(tiny().parameters.map(({ name }) => `weights/${name}`), names);
});

Deno.test("danetHead() has as many parameters on ResNet as the reference", () => {
  // mmsegmentation's DAHead of configs/danet with 19 classes.
  const { parameters } = danetHead("decode_head", [256, 512, 1024, 2048], {
    classes: 19,
    channels: 512,
    reduced: 64,
    dropout: 0.1,
  });
  const sizes = parameters.filter(({ trained }) => trained)
    .map(({ shape }) => shape.reduce((size, side) => size * side, 1));
  assert.equal(sizes.reduce((sum, size) => sum + size, 0), 23_954_619);
});

for (const [H, W] of [[1, 1], [5, 7]] as const) {
  onEachBackend(`danetHead() learns on maps of ${H}×${W} and keeps nothing`, async () => {
    const head = tiny();
    const weights = initialWeights(head.parameters, 1);
    const maps = mapsOf(H, W);
    const before = tf.memory().numTensors;
    const { value, gradient } = gradientOf(head.parameters, weights, () =>
      tf.tidy(() => {
        const { logits, sides } = head.applyWithSides(weights, maps, TRAINING);
        assert.deepEqual(sides.map(({ lossWeight }) => lossWeight), [1, 1]);
        const all = [logits, ...sides.map((side) => side.logits)];
        for (const { shape } of all) assert.deepEqual(shape, [2, H, W, OPTIONS.classes]);
        return tf.mean(tf.square(tf.addN(all))) as tf.Scalar;
      }));
    assert.equal(gradient.size, head.parameters.filter(({ trained }) => trained).length);
    assert.deepEqual(gradient.get("decode_head.pam.gamma.scale")?.shape, []);
    const sums = tf.tidy(() =>
      tf.stack([value, ...[...gradient.values()].map((slope) => tf.sum(tf.abs(slope)))])
    );
    assert.ok((await readBack(sums)).every((size: number) => Number.isFinite(size)));
    tf.dispose([value, sums]);
    releaseWeights(gradient);
    assert.equal(tf.memory().numTensors, before);
    releaseWeights(weights);
    tf.dispose(maps);
  });
}

onEachBackend("danetHead() predicts the same with its branches and without", async () => {
  const head = tiny();
  const weights = initialWeights(head.parameters, 1);
  const maps = mapsOf(5, 7);
  const dropping = { ...TRAINING, training: false };
  const { logits } = head.applyWithSides(weights, maps, dropping);
  const alone = head.apply(weights, maps, dropping);
  assert.deepEqual(await readBack(alone), await readBack(logits));
  releaseWeights(weights);
});

onEachBackend(
  "danetHead() drops other channels for each of its classifiers",
  async () => {
    const head = tiny();
    const weights = new Map(initialWeights(head.parameters, 1));
    for (const part of ["", "pam_", "cam_"]) {
      // Every class answers the sum of the channels, so what is kept can be read off.
      weights.set(`decode_head.${part}conv_seg.weight`, tf.ones([1, 1, 8, 5]));
      weights.set(`decode_head.${part}conv_seg.bias`, tf.zeros([5]));
    }
    // Both branches see the same.
    for (const part of ["in_conv.conv", "out_conv.conv"]) {
      const filter = weights.get(`decode_head.pam_${part}.weight`) ?? assert.fail();
      weights.set(`decode_head.cam_${part}.weight`, tf.clone(filter));
    }
    const maps = mapsOf(5, 7);
    const sidesOf = async (pass: Pass) => {
      const { sides } = head.applyWithSides(weights, maps, pass);
      return await Promise.all(sides.map(({ logits }) => readBack(logits)));
    };
    const [pam, cam] = await sidesOf(EVALUATION);
    assert.deepEqual(pam, cam, "a fresh head has no attention yet");
    const [pamDropped, camDropped] = await sidesOf({ ...TRAINING, training: false });
    assert.notDeepEqual(pamDropped, camDropped);
    releaseWeights(weights);
  },
);

Deno.test("danetHead() refuses maps of another encoder", () => {
  assert.throws(() => tiny().apply(new Map(), [], EVALUATION), {
    name: "RangeError",
    message: /Cannot decode 0 maps.* built for 2/,
  });
});
