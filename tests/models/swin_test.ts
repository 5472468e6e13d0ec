import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { gradientOf } from "../../src/core/gradient.ts";
import { EVALUATION } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initialWeights, releaseWeights } from "../../src/core/weights.ts";
import { swin } from "../../src/models/swin.ts";
import { onEachBackend, randomTensor } from "../support/mod.ts";

const SHAPE = {
  width: 4,
  depths: [2, 2, 1, 2],
  heads: [1, 2, 2, 4],
  window: 3,
  dropPath: 0.3,
};

// Each stage halves its map and rounds up.
const SIZES = [[10, 13], [5, 7], [3, 4], [2, 2]];

onEachBackend("a Swin Transformer answers odd sizes with finite gradients", async () => {
  const encoder = swin("backbone", SHAPE);
  assert.deepEqual(encoder.strides, [4, 8, 16, 32]);
  const weights = initialWeights(encoder.parameters, 1);
  const images = randomTensor<tf.Rank.R4>([2, 37, 50, 3]);
  const step = async () => {
    const { value, gradient } = gradientOf(
      encoder.parameters,
      weights,
      () =>
        tf.tidy(() => {
          const chance = { seed: 1, stream: 2, iteration: 3 };
          const maps = encoder.apply(weights, images, { training: true, chance });
          assert.deepEqual(
            maps.map(({ shape }) => shape),
            SIZES.map((size, i) => [2, ...size, encoder.widths[i]]),
          );
          // Squares of normalised maps would hardly depend on the weights.
          return tf.addN(
            maps.map((map) => tf.mean(tf.abs(tf.sub(map, 0.3)))),
          ) as tf.Scalar;
        }),
    );
    assert.ok(Number.isFinite((await readBack(value))[0]));
    const sums = tf.tidy(() =>
      tf.stack([...gradient.values()].map((slope) => tf.sum(tf.abs(slope))))
    );
    const sizes = await readBack(sums);
    assert.equal(sizes.length, encoder.parameters.length, "every parameter is reached");
    assert.ok(sizes.every((size: number) => Number.isFinite(size)));
    tf.dispose([value, sums]);
    releaseWeights(gradient);
  };
  const before = tf.memory().numTensors;
  await step();
  await step();
  assert.equal(tf.memory().numTensors, before, "nothing else is kept");
  releaseWeights(weights);
});

onEachBackend("drop path draws anew per iteration and not in evaluation", async () => {
  const encoder = swin("backbone", SHAPE);
  const weights = initialWeights(encoder.parameters, 1);
  const images = randomTensor<tf.Rank.R4>([4, 32, 32, 3]);
  const run = async (iteration: number | null) => {
    const chance = iteration === null ? null : { seed: 1, stream: 2, iteration };
    const maps = encoder.apply(weights, images, { ...EVALUATION, chance });
    return await readBack(maps.at(-1) ?? assert.fail());
  };
  assert.deepEqual(await run(3), await run(3));
  assert.notDeepEqual(await run(3), await run(4));
  assert.notDeepEqual(await run(null), await run(3));
  assert.deepEqual(await run(null), await run(null));
});

Deno.test("swin() names what PyTorch's module has, in its order", () => {
  const { parameters, constants } = swin("backbone", SHAPE);
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
  assert.equal(constants?.length, 7, "one index per block");
});

Deno.test("swin() refuses lists of different lengths", () => {
  assert.throws(() => swin("backbone", { ...SHAPE, heads: [1, 2] }), {
    name: "RangeError",
    message:
      'Cannot build a Swin Transformer: "depths" and "heads" must have one entry ' +
      "per stage: received 4 and 2",
  });
});
