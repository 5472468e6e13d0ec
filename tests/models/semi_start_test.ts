// The initialization of the semi-supervised networks where it differs from the others.
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { EVAL_CONTEXT, type Parameter } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import { resnetMultigrid } from "../../src/models/resnet.ts";
import { semiDeeplabV2Head } from "../../src/models/deeplab_v2_head.ts";
import { semiDeeplabV3PlusHead } from "../../src/models/deeplab_v3_plus_head.ts";
import { semiPspHead } from "../../src/models/psp_head.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";

const initializerOf = (parameters: readonly Parameter[], name: string) =>
  parameters.find((parameter) => parameter.name === name)?.initializer;
const psp = semiPspHead("decoder", [32], {
  classes: 3,
  channels: 16,
  poolScales: [1, 2],
});

Deno.test("semiPspHead() initializes its pyramid uniform and its classifier normal", () => {
  const { parameters } = psp;
  assert.deepEqual(initializerOf(parameters, "decoder.psp.stages.0.1.weight"), {
    kind: "uniform",
    bound: Math.sqrt(6 / 32),
  });
  assert.deepEqual(initializerOf(parameters, "decoder.psp.bottleneck.0.weight"), {
    kind: "uniform",
    bound: Math.sqrt(6 / (64 * 9)),
  });
  assert.deepEqual(initializerOf(parameters, "decoder.decoder.0.weight"), {
    kind: "normal",
    std: Math.sqrt(2 / 16),
  });
  assert.deepEqual(initializerOf(parameters, "decoder.decoder.1.conv.bias"), {
    kind: "uniform",
    bound: Math.sqrt(1 / 3),
  });
});

onEachBackend(
  "semiPspHead() initializes sub-pixels with shared filters",
  async () => {
    const name = "decoder.decoder.1.conv.weight";
    const weights = initializeWeights(
      psp.parameters.filter((parameter) => parameter.name === name),
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
  "semiPspHead() initially repeats every pixel of the classifier",
  async () => {
    const weights = new Map(initializeWeights(psp.parameters, 1));
    // Without biases, which differ from sub-pixel to sub-pixel.
    for (const i of [1, 2, 3]) {
      const name = `decoder.decoder.${i}.conv.bias`;
      weights.get(name)?.dispose();
      weights.set(name, tf.zeros([12]));
    }
    const x = randomTensor<tf.Rank.R4>([1, 2, 3, 32]);
    const y = psp.apply(weights, [x], EVAL_CONTEXT);
    assert.deepEqual(y.shape, [1, 16, 24, 3]);
    const blocks = tf.reshape(y, [2, 8, 3, 8, 3]);
    const largest = tf.max(blocks, [1, 3]);
    assert.ok((await readBack(largest)).some((value: number) => value > 0));
    await assertClose(tf.min(blocks, [1, 3]), largest, 1e-6);
    releaseWeights(weights);
  },
);

Deno.test("semiDeeplabV2Head() initializes its biases like PyTorch", () => {
  const { parameters } = semiDeeplabV2Head("decoder", [8], {
    classes: 3,
    dilations: [6],
  });
  const name = "decoder.classifier.conv2d_list.0";
  assert.deepEqual(initializerOf(parameters, `${name}.weight`), {
    kind: "normal",
    std: 0.01,
  });
  assert.deepEqual(initializerOf(parameters, `${name}.bias`), {
    kind: "uniform",
    bound: Math.sqrt(1 / (8 * 9)),
  });
});

Deno.test("semiDeeplabV3PlusHead() initializes like PyTorch", () => {
  const { parameters } = semiDeeplabV3PlusHead("decoder", [8, 32], {
    classes: 3,
    channels: 4,
    innerPlanes: 4,
    dilations: [12],
    dropout: 0.1,
  });
  assert.deepEqual(initializerOf(parameters, "decoder.aspp.conv3.0.weight"), {
    kind: "uniform",
    bound: Math.sqrt(1 / (32 * 9)),
  });
});

Deno.test("resnetMultigrid() initializes with He and zero residuals", () => {
  const { parameters } = resnetMultigrid("encoder", { depths: [1, 1, 1, 1] });
  assert.deepEqual(initializerOf(parameters, "encoder.conv1.6.weight"), {
    kind: "normal",
    std: Math.sqrt(2 / (128 * 9)),
  });
  assert.deepEqual(initializerOf(parameters, "encoder.layer1.0.bn3.weight"), {
    kind: "constant",
    value: 0,
  });
});
