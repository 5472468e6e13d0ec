import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { EVAL_CONTEXT, type ForwardContext } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import { danetHead } from "../../src/models/danet_head.ts";
import { onEachBackend, randomTensor } from "../support/mod.ts";
import { assertFiniteGradients, TRAINING } from "../support/network_checks.ts";

const OPTIONS = { classes: 5, channels: 8, pamChannels: 3, dropout: 0.5 };
const tiny = () => {
  const { applyWithAuxiliary, ...head } = danetHead("decode_head", [12, 16], OPTIONS);
  assert.ok(applyWithAuxiliary);
  return { ...head, applyWithAuxiliary };
};
const mapsOf = (H: number, W: number) => [
  tf.zeros<tf.Rank.R4>([2, 1, 1, 12]),
  randomTensor<tf.Rank.R4>([2, H, W, 16]),
];

for (const [H, W] of [[1, 1], [5, 7]] as const) {
  onEachBackend(
    `danetHead() has finite gradients on maps of ${H}×${W} and leaks no tensors`,
    async () => {
      const head = tiny();
      const weights = initializeWeights(head.parameters, 1);
      const maps = mapsOf(H, W);
      const gamma = head.parameters.find(({ name }) => name.endsWith("gamma.scale"));
      assert.deepEqual(gamma?.shape, []);
      await assertFiniteGradients(head.parameters, weights, () => {
        const { logits, auxiliaryLogits } = head.applyWithAuxiliary(
          weights,
          maps,
          TRAINING,
        );
        assert.deepEqual(auxiliaryLogits.map(({ lossWeight }) => lossWeight), [1, 1]);
        const all = [logits, ...auxiliaryLogits.map(({ logits }) => logits)];
        for (const { shape } of all) {
          assert.deepEqual(shape, [2, H, W, OPTIONS.classes]);
        }
        return tf.mean(tf.square(tf.addN(all)));
      });
      releaseWeights(weights);
      tf.dispose(maps);
    },
  );
}

onEachBackend(
  "danetHead() predicts equal logits with and without auxiliary logits",
  async () => {
    const head = tiny();
    const weights = initializeWeights(head.parameters, 1);
    const maps = mapsOf(5, 7);
    const withDropout = { ...TRAINING, training: false };
    const { logits } = head.applyWithAuxiliary(weights, maps, withDropout);
    const mainLogits = head.apply(weights, maps, withDropout);
    assert.deepEqual(await readBack(mainLogits), await readBack(logits));
    releaseWeights(weights);
  },
);

onEachBackend(
  "danetHead() draws separate dropout for each classifier",
  async () => {
    const head = tiny();
    const weights = new Map(initializeWeights(head.parameters, 1));
    for (const prefix of ["", "pam_", "cam_"]) {
      // Every class predicts the sum of the channels, which shows the dropped ones.
      weights.set(`decode_head.${prefix}conv_seg.weight`, tf.ones([1, 1, 8, 5]));
      weights.set(`decode_head.${prefix}conv_seg.bias`, tf.zeros([5]));
    }
    // Both branches get the same filters.
    for (const layer of ["in_conv.conv", "out_conv.conv"]) {
      const filter = weights.get(`decode_head.pam_${layer}.weight`) ?? assert.fail();
      weights.set(`decode_head.cam_${layer}.weight`, tf.clone(filter));
    }
    const maps = mapsOf(5, 7);
    const auxiliaryOf = async (context: ForwardContext) => {
      const { auxiliaryLogits } = head.applyWithAuxiliary(weights, maps, context);
      return await Promise.all(auxiliaryLogits.map(({ logits }) => readBack(logits)));
    };
    const [pam, cam] = await auxiliaryOf(EVAL_CONTEXT);
    assert.deepEqual(pam, cam, "a head has no attention after initialization");
    const [pamDropped, camDropped] = await auxiliaryOf({ ...TRAINING, training: false });
    assert.notDeepEqual(pamDropped, camDropped);
    releaseWeights(weights);
  },
);

Deno.test("danetHead() rejects maps of another encoder", () => {
  assert.throws(() => tiny().apply(new Map(), [], EVAL_CONTEXT), {
    name: "RangeError",
    message: /Cannot decode 0 maps.* built for 2/,
  });
});
