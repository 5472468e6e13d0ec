// Three iterations of self-training as VFM-UDA, without a look-ahead and with depth 2,
// against recorded values: tests/golden/vfm_uda.json holds the random draws and what
// PyTorch 2.13 computes with them in float64.
import assert from "node:assert/strict";
import { drawRecolor, drawTokenMask } from "../../src/augment/masked_view.ts";
import { drawStrongAugmentation } from "../../src/augment/strong_augmentation.ts";
import type { SelfTrainingConfig } from "../../src/config/method.ts";
import { readBack } from "../../src/core/backend.ts";
import { releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import { type HostBatch, IGNORE_INDEX, IMAGENET } from "../../src/core/host_batch.ts";
import { type HostTensor, numel } from "../../src/core/host_tensor.ts";
import type { Network, Parameter, Weights } from "../../src/core/network.ts";
import { createRandom, hashStreamName } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import {
  pytorchShape,
  releaseWeights,
  weightsFromHost,
  weightsToHost,
} from "../../src/core/weights.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { releaseLosses } from "../../src/methods/learner.ts";
import { withActivationCheckpointing } from "../../src/models/encoder_decoder.ts";
import { buildMethod } from "../../src/train/build_method.ts";
import { createLearner } from "../../src/train/learner_checkpoint.ts";
import { parkMiller } from "../methods/semi_supervised_network.ts";
import { tinyConfig, VFM_UDA, VFM_UDA_MODEL } from "../support/commands.ts";
import { assertClose, onCpu, onEachBackend } from "../support/mod.ts";

const GOLDEN = new URL("../golden/vfm_uda.json", import.meta.url);
const [B, H, W, CLASSES] = [2, 40, 54, 5];
/** Patches of the images, enlarged by 1.1. */
const TOKENS = [3, 4] as const;
/** Without margins, of the two images. */
const COUNTED = [
  { top: 0, left: 2, height: 31, width: 52 },
  { top: 5, left: 0, height: 29, width: 50 },
];
const ITERATIONS = 3;
const DEPTHS = [0, 2];

interface Golden {
  /** By depth and forward pass. */
  readonly draws: readonly (readonly unknown[])[];
  /** By depth and iteration. */
  readonly cases: readonly (readonly {
    readonly losses: Readonly<Record<string, number>>;
    /** Samples of the student's weights, and of the teacher's that gave the labels. */
    readonly student: readonly number[];
    readonly teacher: readonly number[];
  }[])[];
}

const configOf = (depth: number, accumulationSteps = 1) =>
  tinyConfig(
    VFM_UDA_MODEL,
    `method={${VFM_UDA}, teacher: {emaDecay: 0.6}, pseudoLabel: {threshold: 0.66, ` +
      "ignoreTop: 3, ignoreMargins: {bottom: 0.25}, flip: true}, " +
      `lookAhead: ${depth === 0 ? null : `{depth: ${depth}}`}}`,
    `data.batchSize=${B}`,
    "iterations=30",
    "optimizer={learningRate: 0.001, headLrMultiplier: 5, weightDecay: 0.2, " +
      "decayNorms: true, warmupIterations: 2, warmupRatio: 0.3, warmupTo: peak, " +
      `eps: 0.001, accumulationSteps: ${accumulationSteps}}`,
  );

function batchAt(t: number): HostBatch {
  const next = parkMiller(1e6 * (100 + t));
  const images = () =>
    Float32Array.from({ length: B * H * W * 3 }, (_, i) => {
      const [mean = 0, std = 1] = [IMAGENET.mean[i % 3], IMAGENET.std[i % 3]];
      return (255 * next() - mean) / std;
    });
  const labels = Uint8Array.from(
    { length: B * H * W },
    (_, i) => i % 7 === 3 ? IGNORE_INDEX : Math.floor(CLASSES * next()),
  );
  const fileNames = ["a", "b"];
  return {
    ...{ batchSize: B, height: H, width: W },
    source: { fileNames, images: images(), labels },
    target: { fileNames, images: images(), countedBoxes: [...COUNTED] },
  };
}

/** What the forward passes of a run draw. */
async function drawsOf(depth: number): Promise<unknown[]> {
  const { method, seed } = configOf(depth);
  const { mixing, maskedConsistency } = method as SelfTrainingConfig;
  const masking = maskedConsistency ?? assert.fail();
  const draws: unknown[] = [];
  for (let n = 0; n < ITERATIONS * (depth + 1); n++) {
    const { source: { labels } } = batchAt(Math.floor(n / (depth + 1)));
    const key = { seed, stream: hashStreamName("masked/tokens"), iteration: n };
    const tokens = drawTokenMask([B, ...TOKENS, 1], masking.ratio, key);
    draws.push({
      mix: drawStrongAugmentation(labels, B, mixing, createRandom(seed, "strong", n)),
      masked: drawRecolor(masking, { batchSize: B }, createRandom(seed, "masked", n)),
      tokens: [...await readBack(tokens)].join(""),
    });
    tokens.dispose();
  }
  return draws;
}

/** In PyTorch's layout. */
function initialValues(parameters: readonly Parameter[]): Map<string, HostTensor> {
  return new Map(parameters.map((parameter, i): [string, HostTensor] => {
    const { name } = parameter;
    const next = parkMiller(1e6 * (i + 1));
    const shape = pytorchShape(parameter);
    const isWeight = name.endsWith("weight");
    const [center, scale] = shape.length === 1
      ? [isWeight || name.endsWith("gamma") ? 1 : 0, 0.3]
      : [0, isWeight ? Math.sqrt(3 * (shape[0] ?? 1) / numel(shape)) : 0.5];
    const factor = name === "decode_head.out.weight" ? 2.4 : 1;
    const values = Float32Array.from(
      { length: numel(shape) },
      () => center + factor * scale * (2 * next() - 1),
    );
    return [name, { dtype: "F32", shape, bytes: new Uint8Array(values.buffer) }];
  }));
}

const SAMPLES = 4;

/** Of each parameter, in PyTorch's layout: some values, and a sum of all with changing signs. */
async function sample(
  parameters: readonly Parameter[],
  weights: Weights,
): Promise<number[]> {
  const host = await weightsToHost(parameters, weights);
  return [...host.values()].flatMap(({ bytes }) => {
    const values = new Float32Array(bytes.buffer);
    const step = Math.max(1, Math.floor(values.length / SAMPLES));
    const some = [...values].filter((_, i) => i % step === 0).slice(0, SAMPLES);
    const sum = values.reduce((sum, value, i) => sum + value * Math.cos(i), 0);
    return [...some, sum / Math.sqrt(values.length)];
  });
}

const golden: Golden = JSON.parse(await Deno.readTextFile(GOLDEN));

/** Runs the iterations of a depth and compares losses and weights with the recorded ones. */
async function assertEqualsReference(
  depth: number,
  accumulationSteps = 1,
  change = (network: Network) => network,
): Promise<void> {
  const network = change(buildNetwork(configOf(0).model, CLASSES));
  const { parameters } = network;
  const student = weightsFromHost(parameters, initialValues(parameters));
  const learner = createLearner(parameters, student, true, true);
  const method = buildMethod({
    ...{ config: configOf(depth, accumulationSteps), network, learner },
    ...{ classes: [], frozenEncoder: null },
  });
  for (let t = 0; t < ITERATIONS; t++) {
    const batch = uploadBatch(batchAt(t));
    const before = tf.memory().numTensors;
    const losses = method.runIteration(learner, [batch], t);
    const expected = golden.cases[DEPTHS.indexOf(depth)]?.[t] ?? assert.fail();
    assert.deepEqual([...losses.keys()].sort(), Object.keys(expected.losses).sort());
    for (const [name, loss] of losses) {
      await assertClose(loss, [expected.losses[name] ?? NaN], 1e-5, `${name} of ${t}`);
    }
    releaseLosses(losses);
    assert.equal(tf.memory().numTensors, before, "an iteration keeps no tensor");
    releaseBatch(batch);
    for (const role of ["student", "teacher"] as const) {
      const values = await sample(parameters, learner[role] ?? assert.fail());
      await assertClose(values, expected[role], 5e-6, `${role} after iteration ${t}`);
    }
  }
  method.release();
  const { teacher, moments: { first, second } } = learner;
  [student, teacher ?? assert.fail(), first, second].forEach(releaseWeights);
}

DEPTHS.forEach((depth, i) => {
  const what = `self-training as VFM-UDA of depth ${depth}`;

  onEachBackend(
    `${what} draws what was recorded`,
    async () => assert.deepEqual(await drawsOf(depth), golden.draws[i]),
  );

  onEachBackend(`${what} equals the reference`, () => assertEqualsReference(depth));

  onCpu(
    `${what} equals it in micro-batches that compute maps again`,
    () => assertEqualsReference(depth, 2, withActivationCheckpointing),
  );
});

Deno.test("masked tokens are refused for a network whose encoder has no mask token", () => {
  const network = buildNetwork(tinyConfig().model, CLASSES);
  const learner = {
    ...{ student: new Map(), teacher: new Map(), forwardCount: 0 },
    moments: { steps: 0, first: new Map(), second: new Map() },
  };
  const options = { network, learner, classes: [], frozenEncoder: null };
  assert.throws(() => buildMethod({ ...options, config: configOf(0) }), {
    name: "TypeError",
    message: 'Cannot use "method.maskedConsistency.mask", "tokens": the encoder has no ' +
      'mask token; give it one and hasMaskToken, or set it to "patches"',
  });
});
