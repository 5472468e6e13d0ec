// What is frozen has no gradient, keeps its statistics, and leaves nothing to keep.
import assert from "node:assert/strict";
import { lossAndGradient } from "../../src/core/backward.ts";
import { dryRun, metaTensor } from "../../src/core/dry_run.ts";
import { openBackend, readBack } from "../../src/core/backend.ts";
import {
  EVAL_CONTEXT,
  type ForwardContext,
  type Network,
  type NetworkOutput,
  type Weights,
} from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { withActivationCheckpointing } from "../../src/models/encoder_decoder.ts";
import { withFrozenParameters } from "../../src/models/frozen_parameters.ts";
import { tinyConfig } from "../support/commands.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";

const RESNET = "model={encoder: {name: resnet, depths: [1, 1, 1, 1], stemChannels: 4, " +
  "baseChannels: 4}, decoder: {name: deeplabv2, dilations: [1, 2]}}";
const MODELS: Readonly<Record<string, string>> = {
  resnet: RESNET,
  "efficientnet-lite":
    "model={encoder: {name: efficientnet-lite, widthCoefficient: 0.1, depthCoefficient: " +
    "0.5, dropPathRate: 0.3}, decoder: {name: vfm-uda}}",
  dinov2: "model={encoder: {name: dinov2, embedDim: 16, depth: 4, numHeads: 2, " +
    "outIndices: [0, 1, 2, 3], imageSize: 28, dropPathRate: 0.3}, decoder: " +
    "{name: vfm-uda}}",
};

/** Layers with batch norm, and a convolution of another one. */
const PARTS = {
  resnet: ["backbone.layer1.", "backbone.layer3.0.conv1.weight"],
  "efficientnet-lite": ["backbone._blocks.1.", "backbone._blocks.3._expand_conv.weight"],
} as const;

const plain = (model = RESNET) => buildNetwork(tinyConfig(model).model, 3);

/** The names of trained parameters that begin so. */
const named = ({ parameters }: Network, beginning: string) =>
  new Set(
    parameters.filter(({ name, trainable }) => trainable && name.startsWith(beginning))
      .map(({ name }) => name),
  );

const CONTEXT = {
  training: true,
  rngKey: { seed: 1, stream: 2, iteration: 3, sampleOffset: 0 },
};

function gradientOf(network: Network, weights: Weights, images: tf.Tensor4D) {
  const outputs: tf.Tensor[] = [];
  const { gradient } = lossAndGradient(network.parameters, weights, () => {
    const { logits, features }: NetworkOutput = network.forward(weights, images, CONTEXT);
    outputs.push(tf.keep(logits), ...features.map((map) => tf.keep(map)));
    return tf.sum(tf.square(logits)) as tf.Scalar;
  });
  return { gradient, outputs };
}

const valuesOf = async (weights: Weights) =>
  new Map(
    await Promise.all(
      [...weights].map(async ([name, value]) => [name, await readBack(value)] as const),
    ),
  );

for (const [name, model] of Object.entries(MODELS)) {
  onEachBackend(
    `withFrozenParameters() of an encoder runs it as in evaluation: ${name}`,
    async () => {
      const network = plain(model);
      const frozen = withFrozenParameters(network, named(network, "backbone."));
      const weights = initializeWeights(network.parameters, 1);
      const before = await valuesOf(weights);
      const images = randomTensor<tf.Rank.R4>([2, 32, 32, 3], "images");
      const { gradient, outputs: [, ...features] } = gradientOf(frozen, weights, images);
      assert.deepEqual(
        new Set(gradient.keys()),
        named(network, "decode_head."),
        "the decoder learns",
      );
      const evaluated = network.encoder.apply(weights, images, {
        ...{ training: false, rngKey: null },
      });
      for (const [i, map] of features.entries()) {
        await assertClose(map, evaluated[i] ?? [], 1e-6);
      }
      assert.deepEqual(await valuesOf(weights), before, "no statistics move");
      assert.deepEqual(
        frozen.parameters.filter(({ isFrozen }) => isFrozen).map(({ name }) => name),
        network.encoder.parameters.map(({ name }) => name),
      );
    },
  );
}

Deno.test("withFrozenParameters() of an encoder masks the tokens that a context says", async () => {
  await openBackend("wasm");
  const network = plain(MODELS["dinov2"]);
  const weights = new Map(
    network.parameters.map(({ name, shape }) => [name, randomTensor([...shape], name)]),
  );
  const images = randomTensor<tf.Rank.R4>([2, 28, 42, 3], "images");
  const tokenMask = () => tf.tensor4d([1, 0, 0, 1, 0, 1, 0, 0, 0, 1, 1, 0], [2, 2, 3, 1]);
  const mapOf = ({ encoder }: Network, context: ForwardContext) =>
    encoder.apply(weights, images, context)[3] ?? assert.fail();
  const expected = mapOf(network, { ...EVAL_CONTEXT, tokenMask });
  const frozen = withActivationCheckpointing(
    withFrozenParameters(network, named(network, "backbone.")),
  );
  await assertClose(mapOf(frozen, { ...CONTEXT, tokenMask }), expected, 1e-6);
  const error = tf.max(tf.abs(tf.sub(mapOf(frozen, CONTEXT), expected)));
  assert.ok(((await readBack(error))[0] ?? 0) > 0.1, "a mask matters");
});

for (const [model, [part, convolution]] of Object.entries(PARTS)) {
  onEachBackend(
    `withFrozenParameters() of layers keeps the statistics of theirs alone: ${model}`,
    async () => {
      const network = plain(MODELS[model]);
      // The convolutions, scales and shifts of a stage; and the convolution of another alone.
      const names = new Set([...named(network, part), convolution]);
      const weights = initializeWeights(network.parameters, 1);
      const images = randomTensor<tf.Rank.R4>([2, 32, 32, 3], "images");
      const frozen = withFrozenParameters(network, names);
      const before = await valuesOf(weights);
      const { gradient, outputs } = gradientOf(frozen, weights, images);
      const after = await valuesOf(weights);
      const moved = network.parameters.map(({ name }) => name).filter((name) =>
        before.get(name)?.join() !== after.get(name)?.join()
      );
      const isStatistic = (name: string) => /running_|num_batches/.test(name);
      assert.deepEqual(
        moved,
        network.parameters.map(({ name }) => name).filter((name) =>
          isStatistic(name) && !name.startsWith(part)
        ),
      );
      const all = network.parameters.filter(({ trainable }) => trainable);
      assert.deepEqual(
        new Set(gradient.keys()),
        new Set(all.map(({ name }) => name).filter((name) => !names.has(name))),
      );
      // Activation checkpointing changes neither.
      const again = initializeWeights(network.parameters, 1);
      const checkpointing = withFrozenParameters(
        withActivationCheckpointing(network),
        names,
      );
      const other = gradientOf(checkpointing, again, images);
      assert.deepEqual(await valuesOf(other.gradient), await valuesOf(gradient));
      await assertClose(other.outputs[0] ?? [], outputs[0] ?? [], 0);
      assert.deepEqual(await valuesOf(again), after);
    },
  );
}

onEachBackend(
  "withFrozenParameters() leaves the other gradients as they are",
  async () => {
    const network = plain(
      "model={encoder: {name: mit, embedDims: [4, 4, 8, 8], depths: " +
        "[1, 1, 1, 1], numHeads: [1, 1, 1, 1], srRatios: [8, 4, 2, 1], dropPathRate: 0.1}, " +
        "decoder: {name: segformer, channels: 8, dropout: 0.1}}",
    ); // without batch norm
    const names = new Set([
      ...named(network, "patch_embed1"),
      ...named(network, "backbone.block2"),
      ...named(network, "backbone.norm3"),
    ]);
    const weights = initializeWeights(network.parameters, 1);
    const images = randomTensor<tf.Rank.R4>([2, 32, 32, 3], "images");
    const whole = await valuesOf(gradientOf(network, weights, images).gradient);
    const frozen = withFrozenParameters(network, names);
    const rest = await valuesOf(gradientOf(frozen, weights, images).gradient);
    assert.ok(names.size > 5);
    assert.equal(rest.size, whole.size - names.size);
    for (const [name, values] of rest) assert.deepEqual(values, whole.get(name), name);
  },
);

Deno.test("a frozen encoder, or its beginning, needs less memory for a step [wasm]", async () => {
  await openBackend("wasm");
  const peak = async (...beginnings: string[]) => {
    const network = plain();
    const names = beginnings.flatMap((beginning) => [...named(network, beginning)]);
    const given = withFrozenParameters(network, new Set(names));
    const { peakAllocations } = await dryRun(() => {
      const weights: Weights = new Map(
        network.parameters.map(({ name, shape }) => [name, metaTensor(shape)]),
      );
      const images = metaTensor([2, 256, 256, 3]) as tf.Tensor4D;
      const { gradient, outputs } = gradientOf(given, weights, images);
      [gradient, weights].forEach(releaseWeights);
      tf.dispose([...outputs, images]);
    });
    return peakAllocations.reduce((sum, { bytes }) => sum + bytes, 0);
  };
  const [frozen, whole] = [await peak("backbone."), await peak()];
  assert.ok(frozen < 0.5 * whole, `${frozen} of ${whole} bytes`);
  const first = await peak("backbone.stem.", "backbone.layer1.");
  assert.ok(first < 0.9 * whole, `${first} of ${whole} bytes`);
  // Behind a layer that learns, a gradient passes through.
  const later = await peak("backbone.layer1.");
  assert.ok(later > first, `${later} bytes, and ${first}`);
});
