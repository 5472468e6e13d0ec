// Self-training at two resolutions: three iterations, without a look-ahead and with depth 2,
// against tests/golden/hrda_steps.json, which the code of HRDA computed.
import assert from "node:assert/strict";
import {
  applyMaskedView,
  drawTokenMask,
  patchGrid,
} from "../../src/augment/masked_view.ts";
import { boxMask } from "../../src/augment/perturbation.ts";
import { openBackend, readBack } from "../../src/core/backend.ts";
import { releaseBatch, unlabeledImages, uploadBatch } from "../../src/core/batch.ts";
import { hashStreamName } from "../../src/core/random.ts";
import type { RngKey, Weights } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import {
  initializeWeights,
  releaseWeights,
  zeroMoments,
} from "../../src/core/weights.ts";
import { boxWithoutMargins } from "../../src/data/margins.ts";
import { buildNetwork } from "../../src/evaluate/build_network.ts";
import { domainAdaptation } from "../../src/methods/domain_adaptation.ts";
import {
  futureSelfTraining,
  type LookAhead,
} from "../../src/methods/future_self_training.ts";
import { imageNetFeatureDistance } from "../../src/methods/imagenet_feature_distance.ts";
import { type Learner, releaseLosses } from "../../src/methods/learner.ts";
import { maskedConsistency } from "../../src/methods/masked_consistency.ts";
import type { StepInputs } from "../../src/methods/pseudo_labeler.ts";
import { createScratchSets, releaseScratchSets } from "../../src/methods/scratch_sets.ts";
import { drawCropCorner } from "../../src/models/detail_crop.ts";
import { crossEntropyCriterion } from "../../src/objectives/criterion.ts";
import { pasteSource } from "../../src/ops/class_mix/class_mix.ts";
import { sgdStep } from "../../src/optim/optimizer.ts";
import { dryEvaluation } from "../../src/train/dry_iteration.ts";
import { tinyConfig, TWO_RESOLUTIONS, VFM_UDA_MODEL } from "../support/commands.ts";
import {
  assertHrdaWeights,
  CLASSES,
  DETAIL_SIZE,
  hrdaBits,
  hrdaImages,
  hrdaLabels,
  hrdaNetwork as network,
  hrdaWeights,
  SIZE,
} from "../support/hrda_network.ts";
import { assertClose, onCpu, onEachBackend } from "../support/mod.ts";

interface Case {
  readonly losses: readonly Readonly<Record<string, number>>[];
  /** After the last iteration, in PyTorch's layout. */
  readonly student: Readonly<Record<string, readonly number[]>>;
  readonly teacher: Readonly<Record<string, readonly number[]>>;
}

const golden: {
  readonly places: Readonly<Record<string, readonly (readonly [number, number])[]>>;
  readonly settings: Readonly<Record<string, number>>;
  readonly classIds: readonly number[];
  readonly cases: Readonly<Record<string, Case>>;
} = JSON.parse(
  await Deno.readTextFile(new URL("../golden/hrda_steps.json", import.meta.url)),
);
const setting = (name: string): number => golden.settings[name] ?? assert.fail(name);
const B = 2;
const { height: H, width: W } = SIZE;
const { parameters } = network;

const IMAGE = { height: 48, width: 60 };
const MARGINS = { top: 3 / 48, bottom: 9 / 48, left: 4 / 60, right: 2 / 60 };
// The upper right part of an image, and the lower left one of a mirrored image.
const COUNTED = [
  { window: { ...SIZE, top: 0, left: 20 }, flipped: false },
  { window: { ...SIZE, top: 16, left: 20 }, flipped: true },
].map((crop) => boxWithoutMargins(MARGINS, { ...crop, image: IMAGE, scaled: IMAGE }));

Deno.test("drawCropCorner() draws a place for each domain and pass", () => {
  for (const [domain, places] of Object.entries(golden.places)) {
    const stream = hashStreamName(`dropout/${domain}`);
    const drawn = places.map((_, iteration) => {
      const sampleOffset = iteration % 2; // micro-batches share the place
      const key = { seed: 0, stream, iteration, sampleOffset };
      const { top, left } = drawCropCorner(SIZE, DETAIL_SIZE, 8, key).value;
      return [top, left];
    });
    assert.deepEqual(drawn, places);
  }
});

const objectiveOf = (
  frozen: Weights,
  { flip = false, onStep = () => {} }: {
    readonly flip?: boolean;
    readonly onStep?: (inputs: StepInputs) => void;
  } = {},
) =>
  domainAdaptation({
    ...{ network, seed: 0, criterion: crossEntropyCriterion("all") },
    ...{ reuse: true, shareDropout: false, onStep },
    featureDistance: imageNetFeatureDistance(network, frozen, {
      lossWeight: setting("featureDistanceWeight"),
      classIds: golden.classIds,
      scaleMinRatio: setting("scaleMinRatio"),
    }),
    target: {
      pseudoLabel: {
        threshold: setting("threshold"),
        ...{ ignoreTop: 0, ignoreBottom: 0, flip },
      },
      counted: ({ host: { target } }) =>
        boxMask(target?.countedBoxes ?? assert.fail(), B, SIZE),
      mix: ({ source, target }, pseudoLabel, forwardIndex) =>
        tf.tidy(() => {
          const images = target?.images ?? assert.fail();
          const bits = hrdaBits(400 + forwardIndex, B * H * W);
          const mask = tf.tensor(bits, [B, H, W], "int32");
          return { ...pasteSource(mask, source, { ...pseudoLabel, images }) };
        }),
      masked: maskedConsistency({
        ...{ network, seed: 0, lossWeight: setting("maskedWeight") },
        mask(images, { host }, forwardIndex) {
          const grid = patchGrid(host, setting("blockSize"));
          const bits = hrdaBits(500 + forwardIndex, B * grid[0] * grid[1]);
          const drawn = { jitter: null, sigmas: null, keptPatches: bits };
          return applyMaskedView(images, drawn, grid, {
            mean: [0, 0, 0],
            std: [1, 1, 1],
          });
        },
      }),
    },
  });

const hostBatch = (t: number) => {
  const images = (seed: number) => Float32Array.from(hrdaImages(seed).dataSync());
  return {
    ...{ batchSize: B, height: H, width: W },
    source: { fileNames: [], images: images(100 + t), labels: hrdaLabels(200 + t) },
    target: {
      fileNames: [],
      images: images(300 + t),
      countedBoxes: COUNTED,
    },
  };
};

for (const [name, expected] of Object.entries(golden.cases)) {
  const depth = Number(name.split(" ").at(-1));
  // What runs without a look-ahead runs with one, too.
  const register = depth === 0 ? onCpu : onEachBackend;
  register(`self-training at two resolutions, ${name}, equals HRDA's`, async () => {
    const learner: Learner = {
      student: hrdaWeights(),
      teacher: hrdaWeights(),
      moments: { steps: 0, first: zeroMoments(parameters), second: new Map() },
      forwardCount: 0,
    };
    const start = hrdaWeights();
    const scale = setting("frozenScale");
    const frozen = new Map(
      [...start].map(([name, value]) => [name, tf.mul(value, scale)]),
    );
    const lookAhead: LookAhead = {
      ...{ depth, width: 1 },
      ...{ emaDecay: setting("emaDecay"), emaStep: "iteration", emaTiming: "before" },
      ...{ optimizerState: "restore", buffers: "restore", firstIteration: "lookahead" },
    };
    const scratch = createScratchSets(learner, lookAhead);
    const objective = objectiveOf(frozen);
    const sgd = { momentum: setting("momentum"), weightDecay: 0, headLrMultiplier: 1 };
    for (const [t, losses] of expected.losses.entries()) {
      const batch = uploadBatch(hostBatch(t));
      const { numTensors } = tf.memory();
      const found = futureSelfTraining({
        ...{ learner, scratch, lookAhead, batches: [batch], iteration: t },
        recipe: {
          parameters,
          ...objective,
          optimizerStep: (weights, moments, gradient) =>
            sgdStep(parameters, weights, moments, gradient, setting("learningRate"), sgd),
        },
      });
      for (const [loss, value] of Object.entries(losses)) {
        const actual = found.get(loss) ?? assert.fail(loss);
        await assertClose(actual, [value], 2e-5, `${loss} in iteration ${t}`);
      }
      releaseLosses(found);
      assert.equal(tf.memory().numTensors, numTensors, "an iteration keeps no tensor");
      releaseBatch(batch);
    }
    for (const role of ["student", "teacher"] as const) {
      await assertHrdaWeights(
        learner[role] ?? assert.fail(),
        expected[role],
        1e-5,
        role,
      );
    }
    releaseScratchSets(scratch);
    const { student, teacher, moments } = learner;
    [student, teacher ?? assert.fail(), moments.first, start, frozen]
      .forEach(releaseWeights);
  });
}

Deno.test("flipped pseudo-labels at two resolutions are those of mirror images, mirrored", async () => {
  await openBackend("wasm");
  const [student, teacher, frozen] = [hrdaWeights(), hrdaWeights(), hrdaWeights()];
  const confidences: tf.Tensor[] = [];
  const objective = objectiveOf(frozen, {
    flip: true,
    onStep: ({ pseudoLabel }) => confidences.push(tf.clone(pseudoLabel.confidence)),
  });
  const batch = uploadBatch(hostBatch(0));
  const mirrored = tf.reverse(unlabeledImages(batch), 2);
  for (const each of [batch, { ...batch, target: { images: mirrored } }]) {
    const { losses, gradient } = objective.forwardBackward(
      student,
      teacher,
      each,
      0,
      "off",
    );
    releaseLosses(losses);
    releaseWeights(gradient);
    objective.clearCache();
  }
  const [found = assert.fail(), ofMirrored = assert.fail()] = confidences;
  await assertClose(tf.reverse(ofMirrored, 2), [...await readBack(found)], 1e-6);
  tf.dispose([confidences, mirrored]);
  releaseBatch(batch);
  [student, teacher, frozen].forEach(releaseWeights);
});

Deno.test("masked tokens of context and details are drawn apart", async () => {
  await openBackend("wasm");
  const config = tinyConfig(
    VFM_UDA_MODEL,
    "model.multiResolution={detailSize: {height: 32, width: 32}, attentionChannels: 8}",
  );
  const network = buildNetwork(config.model, CLASSES);
  const student = initializeWeights(network.parameters, 0);
  const seen: RngKey[] = [];
  const masked = maskedConsistency({
    ...{ network, seed: 5, lossWeight: 1 },
    mask: (images) => tf.clone(images),
    maskTokens(shape, key) {
      seen.push(key);
      return drawTokenMask(shape, 0.5, key);
    },
  });
  const batch = uploadBatch(hostBatch(0));
  const images = tf.zeros<tf.Rank.R4>([1, 64, 64, 3]);
  const losses = new Map<string, tf.Scalar>();
  const gradient = masked({
    ...{ student, batch, images, losses, forwardIndex: 4 },
    meanOf: ({ logits }) => tf.mean(logits),
  });
  const [context, detail] = seen;
  assert.equal(seen.length, 2);
  assert.notDeepEqual(detail, context);
  assert.ok(seen.every(({ seed, iteration }) => seed === 5 && iteration === 4));
  releaseBatch(batch);
  images.dispose();
  releaseLosses(losses);
  [student, gradient].forEach(releaseWeights);
});

Deno.test("dryEvaluation() refuses crops that do not fit, naming the setting", async () => {
  await openBackend("wasm");
  const evaluate = (...overrides: string[]) => {
    const config = tinyConfig(...TWO_RESOLUTIONS, ...overrides);
    return dryEvaluation(config, buildNetwork(config.model, 3));
  };
  const details = (side: number) =>
    `model.multiResolution.detailSize={height: ${side}, width: ${side}}`;
  await evaluate();
  await assert.rejects(
    evaluate(
      details(20),
      "model.multiResolution.coordinateDivisor=4",
      "model.multiResolution.contextScale=1",
    ),
    /^RangeError: Cannot place a detail crop 10 pixels .* and half of "detailSize"/,
  );
  await assert.rejects(
    evaluate("model.multiResolution.contextScale=0.05"),
    /^RangeError: Cannot see the context in 1×2 pixels, see ".*\.contextScale": Cannot /,
  );
  await assert.rejects(
    evaluate(details(8), "model.multiResolution.contextScale=1"),
    /^RangeError: Cannot see details in 8×8 pixels, see ".*\.detailSize": Cannot /,
  );
});
