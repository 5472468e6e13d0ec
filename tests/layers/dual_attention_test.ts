// The two attentions of DANet.
import assert from "node:assert/strict";
import { EVAL_CONTEXT, type Layer } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import { channelAttention, positionAttention } from "../../src/layers/dual_attention.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";

const LAYERS: Record<string, () => Layer> = {
  "channelAttention()": () => channelAttention("attention"),
  "positionAttention()": () => positionAttention("attention", 4, 2),
};
// Small values, so that the softmax over channels is not one-hot.
const exampleInput = () =>
  tf.mul(randomTensor<tf.Rank.R4>([2, 3, 5, 4]), 0.3) as tf.Tensor4D;

for (const [name, build] of Object.entries(LAYERS)) {
  onEachBackend(`${name} is the identity after initialization`, async () => {
    const layer = build();
    const weights = initializeWeights(layer.parameters, 1);
    const x = exampleInput();
    await assertClose(layer.apply(weights, x, EVAL_CONTEXT), x, 1e-7);
    releaseWeights(weights);
  });

  onEachBackend(`${name} matches finite-difference gradients`, async () => {
    const layer = build();
    const weights = initializeWeights(layer.parameters, 1);
    await assertGradients(
      (x, factor) =>
        layer.apply(
          new Map([...weights, ["attention.gamma.scale", factor]]),
          x as tf.Tensor4D,
          EVAL_CONTEXT,
        ),
      [exampleInput(), tf.scalar(0.7)],
    );
    releaseWeights(weights);
  });
}

onEachBackend(
  "channelAttention() attends to the least similar channel",
  async () => {
    const layer = channelAttention("attention");
    assert.deepEqual(layer.parameters.map(({ shape }) => shape), [[]]);
    const weights = new Map([["attention.gamma.scale", tf.scalar(1)]]);
    // The first two are alike, the third is their opposite: products 900, 900, -900.
    const channel = tf.fill([1, 2, 2, 1], 15);
    const x = tf.concat([channel, channel, tf.neg(channel)], 3) as tf.Tensor4D;
    const zero = tf.zerosLike(channel);
    await assertClose(
      layer.apply(weights, x, EVAL_CONTEXT),
      tf.concat([zero, zero, zero], 3),
      1e-6,
    );
  },
);
