// Masked image consistency in its three hosts: three iterations, without a look-ahead and
// with depth 2, against tests/golden/masked_consistency.json, which PyTorch computed.
import assert from "node:assert/strict";
import { applyMaskedView, patchGrid } from "../../src/augment/masked_view.ts";
import { releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import type { Network, Weights } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { releaseWeights, zeroMoments } from "../../src/core/weights.ts";
import { convModule } from "../../src/layers/conv_module.ts";
import { convolution } from "../../src/layers/convolution.ts";
import { domainAdaptation } from "../../src/methods/domain_adaptation.ts";
import {
  futureSelfTraining,
  type LookAhead,
} from "../../src/methods/future_self_training.ts";
import {
  type Learner,
  type Objective,
  releaseLosses,
} from "../../src/methods/learner.ts";
import { maskedConsistency } from "../../src/methods/masked_consistency.ts";
import { meanTeacher } from "../../src/methods/mean_teacher.ts";
import { createScratchSets, releaseScratchSets } from "../../src/methods/scratch_sets.ts";
import { weakToStrong } from "../../src/methods/weak_to_strong.ts";
import { encoderDecoder } from "../../src/models/encoder_decoder.ts";
import { crossEntropyCriterion } from "../../src/objectives/criterion.ts";
import { pasteSource } from "../../src/ops/class_mix/class_mix.ts";
import { sgdStep } from "../../src/optim/optimizer.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";

type Numbers = Readonly<Record<string, readonly number[]>>;

interface Golden {
  readonly size: [batchSize: number, height: number, width: number, channels: number];
  readonly classes: number;
  readonly blockSize: number;
  readonly settings: Readonly<Record<string, number>>;
  readonly weights: Numbers;
  readonly batches: readonly Readonly<
    Record<"source" | "labels" | "target", readonly number[]>
  >[];
  readonly patches: readonly string[];
  readonly mixes: readonly string[];
  readonly cases: Readonly<
    Record<
      string,
      readonly { masked: number; student: Numbers; teacher?: Numbers }[]
    >
  >;
}

const golden: Golden = JSON.parse(
  await Deno.readTextFile(new URL("../golden/masked_consistency.json", import.meta.url)),
);
const [B, H, W, C] = golden.size;
const setting = (name: string): number => golden.settings[name] ?? assert.fail(name);
const bitsOf = (texts: readonly string[], forwardIndex: number) =>
  [...texts[forwardIndex] ?? assert.fail()].map(Number);

const stem = convModule("stem", C, 4, 3);
const classify = convolution("classify", 4, golden.classes, { kernelSize: 1 });
const network: Network = encoderDecoder(
  {
    parameters: stem.parameters,
    strides: [1],
    channels: [4],
    apply: (weights, images, context) => [stem.apply(weights, images, context)],
  },
  {
    parameters: classify.parameters,
    apply: (weights, [map = assert.fail()], context) =>
      classify.apply(weights, map, context),
  },
  golden.classes,
);
const { parameters } = network;

/** The left halves of both images are exchanged. */
function swapHalves<T extends tf.Tensor>(x: T): T {
  const [, , , ...rest] = x.shape;
  const half = (image: number, from: number) =>
    tf.slice(x, [image, 0, from, ...rest.map(() => 0)], [1, H, W / 2, ...rest]);
  const swapped = [[1, 0], [0, 1]].map(([left = 0, right = 0]) =>
    tf.concat([half(left, 0), half(right, W / 2)], 2)
  );
  return tf.concat(swapped, 0) as T;
}

interface Labeled {
  readonly images: tf.Tensor4D;
  readonly labels: tf.Tensor;
}

const same = ({ images, labels }: Labeled) => ({
  images: tf.clone(images),
  labels: tf.clone(labels),
});
const swapped = ({ images, labels }: Labeled) =>
  tf.tidy(() => ({ images: swapHalves(images), labels: swapHalves(labels) }));

const masked = maskedConsistency({
  ...{ network, seed: 0, lossWeight: setting("lossWeight") },
  mask(images, { host }, forwardIndex) {
    const keptPatches = Float32Array.from(bitsOf(golden.patches, forwardIndex));
    const drawn = { jitter: null, sigmas: null, keptPatches };
    const normalization = { mean: [0, 0, 0], std: [1, 1, 1] };
    const grid = patchGrid(host, golden.blockSize);
    return applyMaskedView(images, drawn, grid, normalization);
  },
});
const semiSupervised = {
  ...{ network, seed: 0, criterion: crossEntropyCriterion("valid"), masked },
  ...{ ignorePadding: false, measuresAgreement: false },
};
const HOSTS: Readonly<Record<string, () => Objective>> = {
  "self-training": () =>
    domainAdaptation({
      ...{ network, seed: 0, criterion: crossEntropyCriterion("all") },
      ...{ reuse: true, shareDropout: false, featureDistance: null },
      target: {
        pseudoLabel: {
          threshold: setting("selfTrainingThreshold"),
          ignoreTop: setting("ignoreTop"),
          ignoreBottom: setting("ignoreBottom"),
        },
        mix: ({ source, target }, pseudoLabel, forwardIndex) =>
          tf.tidy(() => {
            const bits = bitsOf(golden.mixes, forwardIndex);
            const images = target?.images ?? assert.fail();
            const mask = tf.tensor(bits, [B, H, W], "int32");
            return { ...pasteSource(mask, source, { ...pseudoLabel, images }) };
          }),
        masked,
      },
    }),
  "mean-teacher": () =>
    meanTeacher({
      ...semiSupervised,
      perturb: swapped,
      keptPercent: () => setting("keptPercent"),
      filterMode: "train",
      unsupervisedWeight: setting("unsupervisedWeight"),
    }),
  "weak-to-strong": () =>
    weakToStrong({
      ...semiSupervised,
      confidenceThreshold: setting("weakToStrongThreshold"),
      pseudoLabelAverage: "all",
      copiesBuffers: true,
      channelFactors: null,
      strongWeight: setting("strongWeight"),
      featurePerturbationWeight: setting("featurePerturbationWeight"),
      featureDropout: 0,
      strongView: (input, _batch, _forwardIndex, view) =>
        view === 0 ? swapped(input) : same(input),
    }),
};

const lookAheadOf = (host: string, depth: number): LookAhead => ({
  ...{ depth, width: 1, emaDecay: setting("emaDecay"), emaStep: "iteration" },
  ...{ optimizerState: "restore", buffers: "restore", firstIteration: "lookahead" },
  ...(host === "self-training"
    ? { emaTiming: "before" }
    : { emaTiming: "after", emaDecayAt: "this" }),
});

const startingWeights = (): Weights =>
  new Map(parameters.map(({ name, shape }) => [
    name,
    tf.tensor([...golden.weights[name] ?? [0]], [...shape]),
  ]));

const uploadedBatch = (t: number) => {
  const { source, labels, target } = golden.batches[t] ?? assert.fail();
  return uploadBatch({
    ...{ batchSize: B, height: H, width: W },
    source: {
      fileNames: [],
      images: Float32Array.from(source),
      labels: Uint8Array.from(labels),
    },
    target: { fileNames: [], images: Float32Array.from(target) },
  });
};

for (const [name, iterations] of Object.entries(golden.cases)) {
  const [host = "", depth = ""] = name.split(", depth ");

  onEachBackend(`masked consistency in ${name} equals PyTorch's`, async () => {
    const learner: Learner = {
      student: startingWeights(),
      teacher: startingWeights(),
      moments: { steps: 0, first: zeroMoments(parameters), second: new Map() },
      forwardCount: 0,
    };
    const lookAhead = lookAheadOf(host, Number(depth));
    const scratch = createScratchSets(learner, lookAhead);
    const objective = HOSTS[host]?.() ?? assert.fail();
    const sgd = { momentum: setting("momentum"), weightDecay: 0, headLrMultiplier: 1 };
    for (const [t, expected] of iterations.entries()) {
      const batch = uploadedBatch(t);
      const { numTensors } = tf.memory();
      const losses = futureSelfTraining({
        ...{ learner, scratch, lookAhead, batches: [batch], iteration: t },
        recipe: {
          parameters,
          ...objective,
          optimizerStep: (weights, moments, gradient) =>
            sgdStep(parameters, weights, moments, gradient, setting("learningRate"), sgd),
        },
      });
      const what = `after iteration ${t}`;
      const loss = losses.get("masked") ?? assert.fail("the log has the loss");
      await assertClose(loss, [expected.masked], 1e-4, `the masked loss ${what}`);
      releaseLosses(losses);
      assert.equal(tf.memory().numTensors, numTensors, "an iteration keeps no tensor");
      releaseBatch(batch);
      for (const role of ["student", "teacher"] as const) {
        for (const [name, values] of Object.entries(expected[role] ?? {})) {
          const actual = learner[role]?.get(name) ?? assert.fail(name);
          await assertClose(actual, values, 2e-4, `${name} of the ${role} ${what}`);
        }
      }
    }
    releaseScratchSets(scratch);
    const { student, teacher, moments } = learner;
    [student, teacher ?? assert.fail(), moments.first].forEach(releaseWeights);
  });
}
