// Three iterations by each kind of look-ahead, through buildMethod(), against
// tests/golden/look_ahead.json, which holds the classes that are mixed and the weights that
// PyTorch 2.13 computes with them in float64.
import assert from "node:assert/strict";
import { drawStrongAugmentation } from "../../src/augment/strong_augmentation.ts";
import type { SelfTrainingConfig } from "../../src/config/method.ts";
import { hasSecondMoment } from "../../src/config/optimizer.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { openBackend, readBack } from "../../src/core/backend.ts";
import { type Batch, releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import { type HostBatch, IGNORE_INDEX } from "../../src/core/host_batch.ts";
import { type HostTensor, numel } from "../../src/core/host_tensor.ts";
import type { Network, Parameter, Weights } from "../../src/core/network.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import {
  cloneWeights,
  initializeWeights,
  pytorchShape,
  releaseWeights,
  weightsFromHost,
  weightsToHost,
} from "../../src/core/weights.ts";
import { openLoader } from "../../src/data/loader.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { classifier } from "../../src/layers/classifier.ts";
import { convNormRelu } from "../../src/layers/conv_module.ts";
import { releaseLosses } from "../../src/methods/learner.ts";
import { encoderDecoder } from "../../src/models/encoder_decoder.ts";
import { trainingLoaderSpec } from "../../src/prepare/data_specs.ts";
import { buildMethod } from "../../src/train/build_method.ts";
import { createLearner } from "../../src/train/learner_checkpoint.ts";
import { lossStateParameters } from "../../src/train/objectives.ts";
import { withFrozenParts } from "../../src/train/parameter_selection.ts";
import { parkMiller } from "../methods/semi_supervised_network.ts";
import { tinyConfig } from "../support/commands.ts";
import { assertClose, onCpu, onEachBackend } from "../support/mod.ts";

const [B, H, W, CLASSES, CHANNELS] = [2, 4, 6, 3, 3];
const ITERATIONS = 3;
/** The real batch and two of other futures. */
const BATCHES = 3;
const MOST_PASSES = 15;

const SELF_TRAINING = "name: self-training, teacher: {emaDecay: 0.6}, pseudoLabel: " +
  "{threshold: 0.45, ignoreTop: 1}, mixing: {colorJitterProbability: 0, " +
  "blurProbability: 0}, featureDistance: {lossWeight: 0.3}";
const MEAN_TEACHER = "name: mean-teacher, teacher: {emaDecay: 0.6}, entropyFilter: " +
  "{keepPercent: 80}, unsupervisedWeight: 0.7";
const ADAMW = "{learningRate: 0.02, eps: 0.01, weightDecay: 0.1, betas: [0.8, 0.9], " +
  "headLrMultiplier: 3, warmupIterations: 0}";
const CLIPPING_ADAMW = ADAMW.replace("{", "{clipGradientNorm: 0.1, ");
const SGD = "{name: sgd, learningRate: 0.05, weightDecay: 0.02, headLrMultiplier: 3, " +
  "power: 1}";

/** By what is looked ahead, and by which optimizer. */
const CASES: Readonly<Record<string, readonly [method: string, optimizer: string]>> = {
  "self-training": [`{${SELF_TRAINING}}`, ADAMW],
  "self-training by gradient": [`{${SELF_TRAINING}, lookAhead: {depth: 2}}`, ADAMW],
  "self-training by momentum": [`{${SELF_TRAINING}, lookAhead: {by: momentum}}`, ADAMW],
  "self-training by head": [
    `{${SELF_TRAINING}, lookAhead: {by: head, depth: 2}}`,
    CLIPPING_ADAMW,
  ],
  "self-training by head, width 2": [
    `{${SELF_TRAINING}, lookAhead: {by: head, depth: 2, width: 2}}`,
    ADAMW,
  ],
  "self-training by reuse": [
    `{${SELF_TRAINING}, lookAhead: {by: reuse, depth: 2}}`,
    CLIPPING_ADAMW,
  ],
  "self-training by reuse, carried": [
    `{${SELF_TRAINING}, lookAhead: {by: reuse, depth: 1, optimizerState: carry}}`,
    ADAMW,
  ],
  "mean teacher by momentum": [
    `{${MEAN_TEACHER}, lookAhead: {by: momentum, depth: 2}}`,
    SGD,
  ],
  "mean teacher by head": [
    `{${MEAN_TEACHER}, lookAhead: {by: head, depth: 2, buffers: carry}}`,
    SGD,
  ],
  "mean teacher by reuse": [
    `{${MEAN_TEACHER}, lookAhead: {by: reuse, depth: 2}}`,
    SGD,
  ],
};

interface Golden {
  /** By iteration, batch and forward pass: the classes that are pasted, image by image. */
  readonly classes: readonly (readonly (readonly string[])[])[];
  /** By case and iteration: the weights in the order of the network, in PyTorch's layout. */
  readonly weights: Readonly<
    Record<string, readonly Record<"student" | "teacher", number[]>[]>
  >;
}

/** A convolution with batch norm, a classifier and an auxiliary one. */
function smallNetwork(): Network {
  const encoder = convNormRelu(["conv", "norm"], 3, CHANNELS, { kernelSize: 1 });
  const [head, auxiliary] = [
    classifier("decode_head", CHANNELS, CLASSES, 0),
    classifier("auxiliary_head", CHANNELS, CLASSES, 0),
  ];
  const decoder = ({ parameters, apply }: typeof head): Network["decoder"] => ({
    parameters,
    apply: (weights, [map = assert.fail()], context) => apply(weights, map, context),
  });
  return encoderDecoder(
    {
      parameters: encoder.parameters,
      ...{ strides: [1], channels: [CHANNELS] },
      apply: (weights, images, context) => [encoder.apply(weights, images, context)],
    },
    decoder(head),
    CLASSES,
    [{ decoder: decoder(auxiliary), lossWeight: 0.4 }],
  );
}

function batchAt(t: number, i: number): HostBatch {
  const next = parkMiller(100 + 10 * t + i);
  const image = () => Float32Array.from({ length: B * H * W * 3 }, () => 4 * next() - 2);
  const source = image();
  const labels = Uint8Array.from(
    { length: B * H * W },
    (_, i) => i % 7 === 3 ? IGNORE_INDEX : Math.floor(CLASSES * next()),
  );
  const fileNames = ["a", "b"];
  return {
    ...{ batchSize: B, height: H, width: W },
    source: { fileNames, images: source, labels },
    target: { fileNames, images: image() },
  };
}

const configOf = (method: string, optimizer: string) =>
  tinyConfig(
    `method=${method}`,
    `optimizer=${optimizer}`,
    `data.batchSize=${B}`,
    "iterations=30",
    "model.pretrained=x", // wanted by the feature distance, read by nobody here
  );

/** What forward passes draw. */
export function drawnClasses(): Golden["classes"] {
  const { method, seed } = configOf(`{${SELF_TRAINING}}`, ADAMW);
  const { mixing } = method as SelfTrainingConfig;
  return Array.from(
    { length: ITERATIONS },
    (_, t) =>
      Array.from({ length: BATCHES }, (_, i) => {
        const { labels } = batchAt(t, i).source;
        return Array.from({ length: MOST_PASSES }, (_, n) => {
          const random = createRandom(seed, "strong", n);
          const { classes } = drawStrongAugmentation(labels, B, mixing, random);
          return classes.map((some) => some.join(" ")).join(" | ");
        });
      }),
  );
}

/** In PyTorch's layout. */
function initialValues(parameters: readonly Parameter[]): Map<string, HostTensor> {
  const next = parkMiller(11);
  return new Map(parameters.map((parameter): [string, HostTensor] => {
    const { name, layout } = parameter;
    if (layout === "counter") {
      return [name, { dtype: "I64", shape: [], bytes: new Uint8Array(8) }];
    }
    const shape = pytorchShape(parameter);
    const isVariance = name.endsWith("running_var");
    const values = Float32Array.from({ length: numel(shape) }, () => {
      const value = 2 * next() - 1;
      return isVariance ? 1 + value / 2 : 0.8 * value;
    });
    return [name, { dtype: "F32", shape, bytes: new Uint8Array(values.buffer) }];
  }));
}

/** All values but counters in one row, in PyTorch's layout. */
async function flatten(
  parameters: readonly Parameter[],
  weights: Weights,
): Promise<number[]> {
  const host = await weightsToHost(parameters, weights);
  return [...host.values()].flatMap(({ dtype, bytes }) =>
    dtype === "F32" ? [...new Float32Array(bytes.buffer)] : []
  );
}

const golden: Golden = JSON.parse(
  await Deno.readTextFile(new URL("../golden/look_ahead.json", import.meta.url)),
);

Deno.test("the classes that are mixed are those of the reference", () =>
  assert.deepEqual(drawnClasses(), golden.classes));

/** A software GPU is slow: it does each kind and each optimizer once. */
const ON_WEBGPU = /^(self-training by (momentum|head|reuse)|mean teacher by momentum)$/;

for (const [name, [method, optimizer]] of Object.entries(CASES)) {
  const onBackends = ON_WEBGPU.test(name) ? onEachBackend : onCpu;
  onBackends(`${name} equals the reference`, async () => {
    const config = configOf(method, optimizer);
    const network = smallNetwork();
    const { parameters } = network;
    const student = weightsFromHost(parameters, initialValues(parameters));
    const hasSecond = hasSecondMoment(config.optimizer);
    const learner = createLearner(parameters, student, true, hasSecond);
    const encoderNames = new Set(network.encoder.parameters.map(({ name }) => name));
    const frozenEncoder = cloneWeights(
      new Map([...student].filter(([name]) => encoderNames.has(name))),
    );
    const run = buildMethod({ config, network, learner, classes: [], frozenEncoder });
    for (let t = 0; t < ITERATIONS; t++) {
      const batches = Array.from(
        { length: run.batchesPerIteration },
        (_, i) => uploadBatch(batchAt(t, i)),
      );
      const before = tf.memory().numTensors;
      releaseLosses(run.runIteration(learner, batches, t));
      // The gradient that is reused is there from the first iteration on.
      if (t > 0) assert.equal(tf.memory().numTensors, before, "it keeps no tensor");
      batches.forEach(releaseBatch);
      for (const role of ["student", "teacher"] as const) {
        const values = await flatten(parameters, learner[role] ?? assert.fail());
        const reference = golden.weights[name]?.[t]?.[role] ?? assert.fail();
        await assertClose(values, reference, 5e-6, `${role} after iteration ${t}`);
      }
    }
    run.release();
    const { teacher, moments, lastGradient } = learner;
    for (
      const set of [student, teacher, frozenEncoder, moments.first, moments.second]
    ) releaseWeights(set ?? assert.fail());
    releaseWeights(lastGradient ?? assert.fail());
  });
}

Deno.test("a look-ahead by head refuses heads that are frozen [wasm]", async () => {
  await openBackend("wasm");
  const method = `{${SELF_TRAINING}, lookAhead: {by: head}}`;
  const config = configOf(method, '{freeze: ["*_head.*"]}');
  const network = withFrozenParts(smallNetwork(), config.optimizer);
  const student = initializeWeights(network.parameters, 1);
  const learner = createLearner(network.parameters, student, false);
  assert.throws(
    () => buildMethod({ config, network, learner, classes: [], frozenEncoder: null }),
    {
      message:
        'Cannot look ahead by head: "optimizer.freeze" keeps all of decoder and heads, ' +
        'and nothing else moves in a virtual step; set "method.lookAhead.by" to another ' +
        "kind",
    },
  );
  [student, learner.moments.first, learner.moments.second].forEach(releaseWeights);
});

const CONTRAST = "contrastive: {numQueries: 9, numNegatives: 5, ranks: [1, 4], " +
  "currentClassThreshold: 0.1, memoryBank: {queueSize: 50, maxEnqueued: 8}}";
const FCN = "model.auxiliaryHead={name: fcn, channels: 4}";
const METHODS: Readonly<Record<string, readonly [method: string, ...more: string[]]>> = {
  "self-training with all terms": [
    "name: self-training, featureDistance: {}, maskedConsistency: {}, pseudoLabel: " +
    "{threshold: 0.2}",
    "model.pretrained=x",
    FCN,
  ],
  "a mean teacher with a contrast": [
    `name: mean-teacher, perturbation: {name: classmix}, ${CONTRAST}, ` +
    "supervisedOnlyIterations: 1, teacher: {copyIterations: 1}",
    "model.decoder={name: semi-deeplabv3+, channels: 8, innerPlanes: 4, dilations: [1]}",
  ],
  "weak to strong": [
    "name: weak-to-strong, confidenceThreshold: 0.2, complementaryDropout: true, " +
    "teacher: {buffers: average}",
  ],
};

/** Three iterations of a tiny network; its teacher after each. */
async function teachersOf(config: RunConfig, lastForwardCount: number) {
  const loader = await openLoader(trainingLoaderSpec(config, null));
  const { classes } = loader;
  const network = buildNetwork(config.model, classes.length);
  const { parameters } = network;
  const student = initializeWeights(parameters, 1);
  const memory = lossStateParameters(config, network);
  const learner = createLearner(parameters, student, true, true, memory);
  const names = new Set(network.encoder.parameters.map(({ name }) => name));
  const frozenEncoder = cloneWeights(
    new Map([...student].filter(([name]) => names.has(name))),
  );
  const method = buildMethod({ config, classes, network, learner, frozenEncoder });
  const teachers: string[] = [];
  const alive: number[] = [];
  for (let t = 0; t < ITERATIONS; t++) {
    const batches: Batch[] = [];
    for (let i = 0; i < method.batchesPerIteration; i++) {
      batches.push(uploadBatch(await loader.batch(t, i)));
    }
    const losses = method.runIteration(learner, batches, t);
    for (const loss of losses.values()) {
      assert.ok((await readBack(loss)).every(Number.isFinite));
    }
    releaseLosses(losses);
    batches.forEach(releaseBatch);
    alive.push(tf.memory().numTensors);
    const values = await flatten(parameters, learner.teacher ?? assert.fail());
    assert.ok(values.every(Number.isFinite));
    teachers.push(values.join());
  }
  const [last] = alive.slice(-1);
  assert.equal(alive.at(-2), last, "an iteration keeps no tensor");
  assert.equal(learner.forwardCount, lastForwardCount);
  method.release();
  await loader.close();
  const { teacher, moments: { first, second }, lossState, lastGradient } = learner;
  const sets = [student, teacher, first, second, frozenEncoder, lossState, lastGradient];
  for (const set of sets) if (set) releaseWeights(set);
  return teachers;
}

for (const [name, [method, ...more]] of Object.entries(METHODS)) {
  Deno.test(`${name} learns by each kind of look-ahead [wasm]`, async () => {
    await openBackend("wasm");
    const run = (lookAhead: string, forwardCount: number) =>
      teachersOf(
        tinyConfig(
          `method={${method}, lookAhead: ${lookAhead}}`,
          ...["data.batchSize=2", "iterations=30", ...more],
        ),
        forwardCount,
      );
    const labeled = method.includes("supervisedOnly") ? 1 : 0;
    const left = ITERATIONS - labeled;
    const tensors = tf.memory().numTensors;
    const plain = await run("null", labeled + left);
    for (
      const [lookAhead, forwardCount] of [
        ["{by: momentum, depth: 3}", left],
        ["{by: head, depth: 2, width: 2}", 5 * left],
        ["{by: reuse, depth: 2}", 2 * left + 1],
      ] as const
    ) {
      const teachers = await run(lookAhead, labeled + forwardCount);
      assert.notEqual(teachers.at(-1), plain.at(-1), lookAhead);
      // Without moments there is nothing to look at.
      if (lookAhead.includes("momentum")) assert.equal(teachers[0], plain[0]);
    }
    assert.equal(tf.memory().numTensors, tensors, "nothing is left behind");
  });
}
