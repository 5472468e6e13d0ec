import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { gradientOf } from "../../src/core/gradient.ts";
import { EVALUATION, type Network } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initialWeights, releaseWeights } from "../../src/core/weights.ts";
import { daformerHead, type Fusion } from "../../src/models/daformer_head.ts";
import { mit } from "../../src/models/mit.ts";
import { network } from "../../src/models/network.ts";
import { segformerHead } from "../../src/models/segformer_head.ts";
import { onEachBackend, randomTensor } from "../support/mod.ts";

const WIDTHS = [8, 8, 12, 16];
const CLASSES = 5;
const FUSIONS: readonly Fusion[] = [
  "conv1",
  "aspp",
  "separable-aspp",
  "bottleneck",
  "isa",
];

const encoder = () =>
  mit("backbone", {
    widths: WIDTHS,
    depths: [1, 1, 1, 1],
    heads: [1, 2, 3, 4],
    reductions: [8, 4, 2, 1],
    dropPath: 0.2,
  });

const NETWORKS: Record<string, () => Network> = {
  segformer: () => {
    const options = { classes: CLASSES, channels: 8, dropout: 0.1 };
    return network(encoder(), segformerHead("decode_head", WIDTHS, options), CLASSES);
  },
};
for (const fusion of FUSIONS) {
  NETWORKS[`daformer, ${fusion}`] = () => {
    const dilations = [1, 2, 3];
    const options = { classes: CLASSES, channels: 8, fusion, dilations, dropout: 0.1 };
    return network(encoder(), daformerHead("decode_head", WIDTHS, options), CLASSES);
  };
}

for (const [name, build] of Object.entries(NETWORKS)) {
  onEachBackend(
    `a network answers odd sizes with finite gradients: ${name}`,
    async () => {
      const built = build();
      const weights = initialWeights(built.parameters, 1);
      // Neither side is a multiple of the stride, 32.
      const images = randomTensor<tf.Rank.R4>([2, 37, 50, 3]);
      const before = tf.memory().numTensors;
      const { value, gradient } = gradientOf(
        built.parameters,
        weights,
        () =>
          tf.tidy(() => {
            const chance = { seed: 1, stream: 2, iteration: 3 };
            const { logits } = built.forward(weights, images, { training: true, chance });
            assert.deepEqual(logits.shape, [2, 10, 13, CLASSES]);
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

onEachBackend("dropout draws anew per iteration and not in evaluation", async () => {
  const built = NETWORKS.segformer?.() ?? assert.fail();
  const weights = initialWeights(built.parameters, 1);
  const images = randomTensor<tf.Rank.R4>([1, 32, 32, 3]);
  const run = async (iteration: number) => {
    const chance = { seed: 1, stream: 2, iteration };
    // Evaluation statistics, so that nothing but dropout differs.
    const { logits } = built.forward(weights, images, { training: false, chance });
    return await readBack(logits);
  };
  assert.deepEqual(await run(3), await run(3));
  assert.notDeepEqual(await run(3), await run(4));
  const quiet = await readBack(built.forward(weights, images, EVALUATION).logits);
  assert.notDeepEqual(quiet, await run(3));
});
