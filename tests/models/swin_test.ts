import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { EVAL_CONTEXT } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import { swin } from "../../src/models/swin.ts";
import { onEachBackend, randomTensor } from "../support/mod.ts";
import { assertFiniteGradients, oddImages, TRAINING } from "../support/network_checks.ts";

const SHAPE = {
  embedDim: 4,
  depths: [2, 2, 1, 2],
  numHeads: [1, 2, 2, 4],
  windowSize: 3,
  dropPathRate: 0.3,
};

// Each stage halves its map and rounds up.
const SIZES = [[10, 13], [5, 7], [3, 4], [2, 2]];

onEachBackend("swin() has finite gradients on odd sizes", async () => {
  const encoder = swin("backbone", SHAPE);
  assert.deepEqual(encoder.strides, [4, 8, 16, 32]);
  const weights = initializeWeights(encoder.parameters, 1);
  const images = oddImages();
  const loss = () => {
    const maps = encoder.apply(weights, images, TRAINING);
    assert.deepEqual(
      maps.map(({ shape }) => shape),
      SIZES.map((size, i) => [2, ...size, encoder.channels[i]]),
    );
    // Squares of normalized maps would hardly depend on the weights.
    return tf.addN(maps.map((map) => tf.mean(tf.abs(tf.sub(map, 0.3))))) as tf.Scalar;
  };
  assert.ok(encoder.parameters.every(({ trainable }) => trainable));
  await assertFiniteGradients(encoder.parameters, weights, loss);
  await assertFiniteGradients(encoder.parameters, weights, loss);
  releaseWeights(weights);
});

onEachBackend(
  "swin() draws drop path anew per iteration and not in evaluation",
  async () => {
    const encoder = swin("backbone", SHAPE);
    const weights = initializeWeights(encoder.parameters, 1);
    const images = randomTensor<tf.Rank.R4>([4, 32, 32, 3]);
    const run = async (iteration: number | null) => {
      const rngKey = iteration === null ? null : { seed: 1, stream: 2, iteration };
      const maps = encoder.apply(weights, images, { ...EVAL_CONTEXT, rngKey });
      return await readBack(maps.at(-1) ?? assert.fail());
    };
    assert.deepEqual(await run(3), await run(3));
    assert.notDeepEqual(await run(3), await run(4));
    assert.notDeepEqual(await run(null), await run(3));
    assert.deepEqual(await run(null), await run(null));
  },
);

Deno.test("swin() has the parameter names and order of PyTorch's module", () => {
  const { parameters, derivedBuffers } = swin("backbone", SHAPE);
  const names = parameters.map(({ name }) => name);
  assert.equal(names[0], "backbone.patch_embed.projection.weight");
  assert.equal(names.at(-1), "backbone.norm3.bias");
  assert.deepEqual(
    names.filter((name) => name.includes("downsample")),
    [0, 1, 2].flatMap((stage) =>
      ["norm.weight", "norm.bias", "reduction.weight"].map((end) =>
        `backbone.stages.${stage}.downsample.${end}`
      )
    ),
  );
  assert.equal(derivedBuffers?.length, 7, "one index per block");
});

Deno.test("swin() rejects lists of different lengths", () => {
  assert.throws(() => swin("backbone", { ...SHAPE, numHeads: [1, 2] }), {
    name: "RangeError",
    message:
      'Cannot build a Swin Transformer: "depths" and "numHeads" must have one entry ' +
      "per stage: received 4 and 2",
  });
});
