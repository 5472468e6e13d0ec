// How the semi-supervised networks start, where it differs from the others.
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { EVALUATION, type Parameter } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initialWeights, releaseWeights } from "../../src/core/weights.ts";
import { resnetMultigrid } from "../../src/models/resnet_multigrid.ts";
import { semiDeeplabV2Head } from "../../src/models/semi_deeplab_v2_head.ts";
import { semiDeeplabV3PlusHead } from "../../src/models/semi_deeplab_v3_plus_head.ts";
import { semiPspHead } from "../../src/models/semi_psp_head.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";

const startOf = (parameters: readonly Parameter[], name: string) =>
  parameters.find((one) => one.name === name)?.initial;
const psp = semiPspHead("decoder", [32], { classes: 3, channels: 16, bins: [1, 2] });

Deno.test("semiPspHead() starts its pyramid uniform and its classifier normal", () => {
  const { parameters } = psp;
  assert.deepEqual(startOf(parameters, "decoder.psp.stages.0.1.weight"), {
    kind: "uniform",
    bound: Math.sqrt(6 / 32),
  });
  assert.deepEqual(startOf(parameters, "decoder.psp.bottleneck.0.weight"), {
    kind: "uniform",
    bound: Math.sqrt(6 / (64 * 9)),
  });
  assert.deepEqual(startOf(parameters, "decoder.decoder.0.weight"), {
    kind: "normal",
    deviation: Math.sqrt(2 / 16),
  });
  assert.deepEqual(startOf(parameters, "decoder.decoder.1.conv.bias"), {
    kind: "uniform",
    bound: Math.sqrt(1 / 3),
  });
});

onEachBackend(
  "semiPspHead() starts with sub-pixels that share their filters",
  async () => {
    const name = "decoder.decoder.1.conv.weight";
    const weights = initialWeights(
      psp.parameters.filter((one) => one.name === name),
      1,
    );
    const filter = weights.get(name) ?? assert.fail(); // [1, 1, 3, 3·4]
    assert.deepEqual(filter.shape, [1, 1, 3, 12]);
    const values = await readBack(filter);
    const draws = new Set<number>(values);
    assert.equal(draws.size, 9, "a draw per input and output");
    values.forEach((value: number, i: number) => {
      assert.equal(value, values[i - i % 4]);
    });
    releaseWeights(weights);
  },
);

onEachBackend(
  "semiPspHead() starts as the classifier, every pixel repeated",
  async () => {
    const weights = new Map(initialWeights(psp.parameters, 1));
    // Without biases, which differ from sub-pixel to sub-pixel.
    for (const i of [1, 2, 3]) {
      const name = `decoder.decoder.${i}.conv.bias`;
      weights.get(name)?.dispose();
      weights.set(name, tf.zeros([12]));
    }
    const x = randomTensor<tf.Rank.R4>([1, 2, 3, 32]);
    const y = psp.apply(weights, [x], EVALUATION);
    assert.deepEqual(y.shape, [1, 16, 24, 3]);
    const cells = tf.reshape(y, [2, 8, 3, 8, 3]);
    const largest = tf.max(cells, [1, 3]);
    assert.ok((await readBack(largest)).some((value: number) => value > 0));
    await assertClose(tf.min(cells, [1, 3]), largest, 1e-6);
    releaseWeights(weights);
  },
);

Deno.test("semiDeeplabV2Head() starts its biases as PyTorch does", () => {
  const { parameters } = semiDeeplabV2Head("decoder", [8], {
    classes: 3,
    dilations: [6],
  });
  const name = "decoder.classifier.conv2d_list.0";
  assert.deepEqual(startOf(parameters, `${name}.weight`), {
    kind: "normal",
    deviation: 0.01,
  });
  assert.deepEqual(startOf(parameters, `${name}.bias`), {
    kind: "uniform",
    bound: Math.sqrt(1 / (8 * 9)),
  });
});

Deno.test("semiDeeplabV3PlusHead() starts as PyTorch does", () => {
  const { parameters } = semiDeeplabV3PlusHead("decoder", [8, 32], {
    classes: 3,
    channels: 4,
    inner: 4,
    dilations: [12],
    dropout: 0.1,
  });
  assert.deepEqual(startOf(parameters, "decoder.aspp.conv3.0.weight"), {
    kind: "uniform",
    bound: Math.sqrt(1 / (32 * 9)),
  });
});

Deno.test("resnetMultigrid() starts as He, its residuals at zero", () => {
  const { parameters } = resnetMultigrid("encoder", { depths: [1, 1, 1, 1] });
  assert.deepEqual(startOf(parameters, "encoder.conv1.6.weight"), {
    kind: "normal",
    deviation: Math.sqrt(2 / (128 * 9)),
  });
  assert.deepEqual(startOf(parameters, "encoder.layer1.0.bn3.weight"), {
    kind: "constant",
    value: 0,
  });
});
