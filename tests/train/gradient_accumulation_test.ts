// Accumulated gradients of micro-batches equal the gradient of the whole batch.
import assert from "node:assert/strict";
import type { RunConfig } from "../../src/config/schema.ts";
import { readBack } from "../../src/core/backend.ts";
import { releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import { type HostBatch, IGNORE_INDEX } from "../../src/core/host_batch.ts";
import type { Layer, Network } from "../../src/core/network.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import { buildMethod } from "../../src/train/build_method.ts";
import { createLearner } from "../../src/train/learner_checkpoint.ts";
import { classesOf } from "../../src/prepare/data_specs.ts";
import { classifier } from "../../src/layers/classifier.ts";
import { convModule } from "../../src/layers/conv_module.ts";
import { convolution } from "../../src/layers/convolution.ts";
import { dropout } from "../../src/layers/dropout.ts";
import { feedForward } from "../../src/layers/transformer_block.ts";
import { layerNorm } from "../../src/layers/normalization.ts";
import { parametersOf } from "../../src/layers/parameter.ts";
import { domainAdaptation } from "../../src/methods/domain_adaptation.ts";
import { imageNetFeatureDistance } from "../../src/methods/imagenet_feature_distance.ts";
import { type LossesAndGradient, releaseLosses } from "../../src/methods/learner.ts";
import { splitMicroBatches } from "../../src/methods/gradient_accumulation.ts";
import { encoderDecoder } from "../../src/models/encoder_decoder.ts";
import { tinyConfig } from "../support/commands.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";
import { crossEntropyCriterion } from "../../src/objectives/criterion.ts";

const B = 4;
const SIDE = 16;

/** Layer norm, an MLP with drop path, channel dropout and optionally batch norm. */
function smallNetwork(classCount: number, withBatchNorm: boolean): Network {
  const stem = convolution("stem", 3, 8, { kernelSize: 4, stride: 4 });
  const conv: Layer = withBatchNorm
    ? convModule("conv", 8, 8, 3)
    : convolution("conv", 8, 8, { kernelSize: 3, padding: 1 });
  const norm = layerNorm("norm", 8, 1e-6);
  const mlp = feedForward("mlp", 8, 16);
  const classify = classifier("head", 8, classCount, 0.3);
  return encoderDecoder(
    {
      parameters: parametersOf(stem, conv, norm, mlp),
      strides: [4],
      channels: [8],
      apply(weights, images, context) {
        const x = conv.apply(weights, stem.apply(weights, images, context), context);
        const branch = mlp.apply(weights, norm.apply(weights, x, context), context);
        return [tf.add(x, dropout("mlp", branch, 0.5, "sample", context))];
      },
    },
    {
      parameters: classify.parameters,
      apply: (weights, [map], context) =>
        classify.apply(weights, map ?? assert.fail(), context),
    },
    classCount,
  );
}

type Tensors = ReadonlyMap<string, tf.AnyTensor>;

/** Compares tensors of the same name. */
async function assertAllClose(actual: Tensors, expected: Tensors, tolerance: number) {
  for (const [name, tensor] of expected) {
    await assertClose(actual.get(name) ?? assert.fail(name), tensor, tolerance, name);
  }
}

/** The fraction of ignored labels grows from image to image; the last image has none. */
function hostBatch(stream: string): HostBatch {
  const random = createRandom(5, stream);
  const pixels = B * SIDE ** 2;
  const images = () => Float32Array.from({ length: 3 * pixels }, () => random.normal());
  const fileNames = Array.from({ length: B }, (_, i) => `${i}`);
  const labels = Uint8Array.from({ length: pixels }, (_, i) => {
    const image = Math.floor(i / SIDE ** 2);
    if (random.uniform() < image / (B - 1)) return IGNORE_INDEX;
    return Math.floor(i / 16) % 3;
  });
  return {
    batchSize: B,
    height: SIDE,
    width: SIDE,
    source: { fileNames, images: images(), labels },
    target: { fileNames, images: images() },
  };
}

const THING_CLASSES = "pseudoLabel: {threshold: 0.15, ignoreTop: 3}, " +
  "featureDistance: {lossWeight: 0.5, classes: [0, 1], scaleMinRatio: 0.2}";
const ALL_CLASSES = "pseudoLabel: {threshold: 0.15}, featureDistance: {lossWeight: 0.5}";

const configOf = (method: string, accumulationSteps: number): RunConfig =>
  tinyConfig(
    `method=${method}`,
    "model.pretrained=x", // required by the feature distance, never read here
    `data.cropSize={height: ${SIDE}, width: ${SIDE}}`,
    `data.batchSize=${B}`,
    `optimizer.accumulationSteps=${accumulationSteps}`,
  );

onEachBackend(
  "domainAdaptation() with accumulationSteps gives the gradient of the batch",
  async () => {
    const network = smallNetwork(5, false);
    const student = initializeWeights(network.parameters, 1);
    const initial = initializeWeights(network.parameters, 2);
    // Larger weights give more confident predictions.
    const teacher = new Map(
      [...initial].map(([name, value]) => [name, tf.mul(value, 3)]),
    );
    const frozen = initializeWeights(network.encoder.parameters, 3);
    const batch = uploadBatch(hostBatch("one"));
    for (const classIds of [[0, 1], null]) {
      const evaluate = (accumulationSteps: number): LossesAndGradient => {
        const objective = domainAdaptation({
          criterion: crossEntropyCriterion("all"),
          network,
          seed: 3,
          reuse: false,
          shareDropout: false,
          accumulationSteps,
          featureDistance: imageNetFeatureDistance(network, frozen, {
            lossWeight: 0.5,
            classIds,
            scaleMinRatio: 0.2,
          }),
          target: {
            pseudoLabel: { threshold: 0.25, ignoreTop: 3, ignoreBottom: 0 },
            mix: ({ target, source }, pseudoLabel) => ({
              images: tf.add(target?.images ?? assert.fail(), source.images),
              labels: tf.clone(pseudoLabel.labels),
              pixelWeights: tf.mul(pseudoLabel.pixelWeights, pseudoLabel.confidence),
            }),
          },
        });
        return objective.forwardBackward(student, teacher, batch, 6, "off");
      };
      const tensors = tf.memory().numTensors;
      const whole = evaluate(1);
      for (const accumulationSteps of [2, 4]) {
        const accumulated = evaluate(accumulationSteps);
        assert.deepEqual([...accumulated.losses.keys()], [...whole.losses.keys()]);
        await assertAllClose(accumulated.losses, whole.losses, 2e-6);
        const confident =
          (await readBack(whole.losses.get("confidentShare") ?? assert.fail()))[0];
        assert.ok(
          confident !== undefined && confident > 0 && confident < 1,
          `confident fraction ${confident}`,
        );
        assert.deepEqual(
          [...accumulated.gradient.keys()].sort(),
          [...whole.gradient.keys()].sort(),
        );
        await assertAllClose(accumulated.gradient, whole.gradient, 1e-5);
        releaseLosses(accumulated.losses);
        releaseWeights(accumulated.gradient);
      }
      releaseLosses(whole.losses);
      releaseWeights(whole.gradient);
      assert.equal(tf.memory().numTensors, tensors, "nothing is left behind");
    }
    releaseBatch(batch);
    [student, initial, teacher, frozen].forEach(releaseWeights);
  },
);

const METHODS: Readonly<Record<string, string>> = {
  supervised: "{name: supervised}",
  "source-only": "{name: source-only}",
  "a sum of losses":
    "{name: source-only, criterion: [{labelSmoothing: 0.1, classWeights: {road: 3}, " +
    "average: valid}, {name: focal, average: valid}, {name: dice, per: image}, " +
    "{name: lovasz-softmax, per: image}]}",
  "self-training": `{name: self-training, ${THING_CLASSES}}`,
  "masked images":
    "{name: self-training, pseudoLabel: {threshold: 0.15}, maskedConsistency: {blockSize: 4}}",
  "depth 2":
    `{name: self-training, ${THING_CLASSES}, lookAhead: {depth: 2, shareDropout: true}}`,
  "depth 2 without reuse":
    `{name: self-training, ${ALL_CLASSES}, lookAhead: {depth: 2, reuse: false}}`,
  "depth 2 by head, masked images":
    `{name: self-training, ${THING_CLASSES}, maskedConsistency: {blockSize: 4}, ` +
    "lookAhead: {by: head, depth: 2}}",
  "width 2": `{name: self-training, ${ALL_CLASSES}, lookAhead: {depth: 1, width: 2}}`,
};

/** Losses of two iterations, and the batch counters of batch norm. */
async function run(config: RunConfig, withBatchNorm: boolean) {
  const classes = classesOf(config.data);
  const network = smallNetwork(classes.length, withBatchNorm);
  const student = initializeWeights(network.parameters, 1);
  const learner = createLearner(network.parameters, student, true);
  const frozen = initializeWeights(network.encoder.parameters, 3);
  const method = buildMethod({
    config,
    classes,
    network,
    learner,
    frozenEncoder: frozen,
  });
  const losses: number[] = [];
  for (let t = 1; t < 3; t++) {
    const batches = Array.from(
      { length: method.batchesPerIteration },
      (_, i) => uploadBatch(hostBatch(`${t}/${i}`)),
    );
    const iterationLosses = method.runIteration(learner, batches, t);
    for (const loss of iterationLosses.values()) {
      losses.push((await readBack(loss))[0] ?? NaN);
    }
    releaseLosses(iterationLosses);
    batches.forEach(releaseBatch);
  }
  const counts: number[] = [];
  for (const [name, value] of student) {
    if (name.endsWith("batches_tracked")) counts.push(...await readBack(value));
  }
  method.release();
  const { teacher, moments: { first, second }, lastGradient } = learner;
  for (const set of [student, teacher, first, second, frozen, lastGradient]) {
    if (set) releaseWeights(set);
  }
  return { losses, counts };
}

for (const [name, method] of Object.entries(METHODS)) {
  onEachBackend(
    `buildMethod() with accumulationSteps gives the same losses: ${name}`,
    async () => {
      const whole = await run(configOf(method, 1), false);
      const accumulated = await run(configOf(method, 4), false);
      await assertClose(accumulated.losses, whole.losses, 1e-4, "losses");
    },
  );
}

onEachBackend("batchNorm() counts every micro-batch as a batch", async () => {
  const source = "{name: source-only}";
  assert.deepEqual((await run(configOf(source, 1), true)).counts, [2]);
  assert.deepEqual((await run(configOf(source, 2), true)).counts, [4]);
});

Deno.test("splitMicroBatches() rejects unequal micro-batches", () => {
  assert.throws(
    () => splitMicroBatches(4, 3),
    /batch of 4 into 3 micro-batches.*must divide it/,
  );
  assert.throws(
    () => configOf("{name: supervised}", 3),
    /optimizer\.accumulationSteps: must divide "data\.batchSize", 4: received 3/,
  );
});
