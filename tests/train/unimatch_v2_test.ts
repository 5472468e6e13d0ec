// Three iterations of "weak-to-strong" as UniMatch V2, without a look-ahead and with depth 2,
// against recorded values: tests/golden/unimatch_v2.json holds the random draws and the
// weights that PyTorch 2.13 computes with them in float64.
import assert from "node:assert/strict";
import { drawComplementaryDropout } from "../../src/augment/complementary_dropout.ts";
import { drawStrongView } from "../../src/augment/strong_view.ts";
import type { WeakToStrongConfig } from "../../src/config/method.ts";
import { releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import { type HostBatch, IGNORE_INDEX, IMAGENET } from "../../src/core/host_batch.ts";
import { type HostTensor, numel } from "../../src/core/host_tensor.ts";
import type { Network, Parameter, Weights } from "../../src/core/network.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import {
  pytorchShape,
  releaseWeights,
  weightsFromHost,
  weightsToHost,
} from "../../src/core/weights.ts";
import { classifier } from "../../src/layers/classifier.ts";
import { convNormRelu } from "../../src/layers/conv_module.ts";
import { parametersOf } from "../../src/layers/parameter.ts";
import { releaseLosses } from "../../src/methods/learner.ts";
import { encoderDecoder } from "../../src/models/encoder_decoder.ts";
import { resizeBilinear } from "../../src/ops/resize/resize.ts";
import { buildMethod } from "../../src/train/build_method.ts";
import { createLearner } from "../../src/train/learner_checkpoint.ts";
import { parkMiller } from "../methods/semi_supervised_network.ts";
import { tinyConfig } from "../support/commands.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";

const GOLDEN = new URL("../golden/unimatch_v2.json", import.meta.url);
const [B, H, W, CLASSES] = [4, 24, 32, 5];
const SIZE = { batchSize: B, height: H, width: W };
const CHANNELS = [4, 6] as const;
/** Columns of the first unlabeled image that are padding. */
const PADDED = 12;
const ITERATIONS = 3;
const DEPTHS = [0, 2];

interface Golden {
  /** By depth and forward pass: the draws of both views, and of the dropout. */
  readonly draws: readonly (readonly unknown[])[];
  /** By depth and iteration: the weights in the order of the network, in PyTorch's layout. */
  readonly weights: readonly (readonly Record<"student" | "teacher", number[]>[])[];
  /** By depth and iteration. */
  readonly losses: readonly (readonly Record<string, number>[])[];
}

/** Two maps of different width, each with a classifier of its own. */
function twoMaps(): Network {
  const [near, far] = CHANNELS;
  const conv = { kernelSize: 3, stride: 2 };
  const first = convNormRelu(["conv1", "bn1"], 3, near, conv);
  const second = convNormRelu(["conv2", "bn2"], near, far, conv);
  const [fine, coarse] = [
    classifier("fine", near, CLASSES, 0),
    classifier("coarse", far, CLASSES, 0),
  ];
  const encoder = {
    parameters: parametersOf(first, second),
    ...{ strides: [2, 4], channels: CHANNELS },
    apply: (...[weights, images, context]: Parameters<typeof first.apply>) => {
      const map = first.apply(weights, images, context);
      return [map, second.apply(weights, map, context)];
    },
  };
  const decoder = {
    parameters: parametersOf(fine, coarse),
    apply: (...args: Parameters<Network["decoder"]["apply"]>) => {
      const [weights, [map = assert.fail(), small = assert.fail()], context] = args;
      const logits = coarse.apply(weights, small, context);
      return tf.add<tf.Tensor4D>(
        fine.apply(weights, map, context),
        resizeBilinear(logits, [H / 2, W / 2], { alignCorners: false }),
      );
    },
  };
  return encoderDecoder(encoder, decoder, CLASSES);
}

function batchAt(t: number): HostBatch {
  const next = parkMiller(100 + t);
  const image = (isPadding = (_pixel: number) => false) =>
    Float32Array.from({ length: B * H * W * 3 }, (_, i) => {
      const value = 255 * next();
      const [mean = 0, std = 1] = [IMAGENET.mean[i % 3], IMAGENET.std[i % 3]];
      return isPadding(Math.floor(i / 3)) ? 0 : (value - mean) / std;
    });
  const labels = Uint8Array.from(
    { length: B * H * W },
    (_, i) => i % 7 === 3 ? IGNORE_INDEX : Math.floor(CLASSES * next()),
  );
  const fileNames = ["a", "b", "c", "d"];
  return {
    ...SIZE,
    source: { fileNames, images: image(), labels },
    target: { fileNames, images: image((i) => i < H * W && i % W < PADDED) },
  };
}

const configOf = (depth: number) =>
  tinyConfig(
    "method={name: weak-to-strong, confidenceThreshold: 0.47, strongWeight: 1, " +
      "featurePerturbationWeight: 0, complementaryDropout: true, " +
      "pseudoLabelAverage: valid, teacher: {emaDecay: 0.6, buffers: average}, " +
      "strongAugmentation: {grayscaleProbability: 0.2, blurSigma: [0.1, 2], " +
      `cutmixPartner: reverse}, lookAhead: ${depth === 0 ? null : `{depth: ${depth}}`}}`,
    `data.batchSize=${B}`,
    "iterations=30",
    "optimizer={name: sgd, learningRate: 0.2, momentum: 0.9, weightDecay: 0, " +
      "headLrMultiplier: 1}",
  );

/** What the forward passes of a run draw. */
export function drawsOf(depth: number): unknown[] {
  const { method, seed } = configOf(depth);
  const { strongAugmentation } = method as WeakToStrongConfig;
  return Array.from({ length: ITERATIONS * (depth + 1) }, (_, n) => ({
    views: [0, 1].map((view) =>
      drawStrongView(strongAugmentation, SIZE, createRandom(seed, `strong/${view}`, n))
    ),
    factors: [...drawComplementaryDropout(
      { batchSize: B },
      Math.max(...CHANNELS),
      createRandom(seed, "dropout/complementary", n),
    )],
  }));
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
      return isVariance ? 1 + value / 2 : 0.6 * value;
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

const golden: Golden = JSON.parse(await Deno.readTextFile(GOLDEN));

DEPTHS.forEach((depth, i) => {
  Deno.test(`weak-to-strong as UniMatch V2 of depth ${depth} draws what was recorded`, () =>
    assert.deepEqual(drawsOf(depth), golden.draws[i]));

  onEachBackend(
    `weak-to-strong as UniMatch V2 of depth ${depth} equals the reference`,
    async () => {
      const network = twoMaps();
      const { parameters } = network;
      const student = weightsFromHost(parameters, initialValues(parameters));
      const learner = createLearner(parameters, student, true, false);
      const method = buildMethod({
        ...{ config: configOf(depth), network, learner },
        ...{ classes: [], frozenEncoder: null },
      });
      for (let t = 0; t < ITERATIONS; t++) {
        const batch = uploadBatch(batchAt(t));
        const before = tf.memory().numTensors;
        const losses = method.runIteration(learner, [batch], t);
        const expected = golden.losses[i]?.[t] ?? assert.fail();
        assert.deepEqual([...losses.keys()], Object.keys(expected));
        for (const [name, loss] of losses) {
          await assertClose(loss, [expected[name] ?? NaN], 5e-6, `${name} of ${t}`);
        }
        releaseLosses(losses);
        assert.equal(tf.memory().numTensors, before, "an iteration keeps no tensor");
        releaseBatch(batch);
        for (const role of ["student", "teacher"] as const) {
          const values = await flatten(parameters, learner[role] ?? assert.fail());
          const reference = golden.weights[i]?.[t]?.[role] ?? assert.fail();
          await assertClose(values, reference, 5e-6, `${role} after iteration ${t}`);
        }
      }
      method.release();
      [student, learner.teacher ?? assert.fail(), learner.moments.first]
        .forEach(releaseWeights);
    },
  );
});
