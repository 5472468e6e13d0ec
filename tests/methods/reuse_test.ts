// Reuse within an iteration, on a network of one weight and one running statistic: the
// numbers of forward passes equal a simple formula, and all results keep their bits.
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { type Batch, releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import type { ForwardContext, Network, Weights } from "../../src/core/network.ts";
import { releaseWeights } from "../../src/core/weights.ts";
import * as tf from "../../src/core/tf.ts";
import { domainAdaptation } from "../../src/methods/domain_adaptation.ts";
import {
  futureSelfTraining,
  type LookAhead,
} from "../../src/methods/future_self_training.ts";
import { createScratchSets, releaseScratchSets } from "../../src/methods/scratch_sets.ts";
import type { Losses } from "../../src/methods/learner.ts";
import type { FeatureDistance, ReuseOptions } from "../../src/methods/source_loss.ts";
import { lerp } from "../../src/ops/in_place/in_place.ts";
import { onEachBackend } from "../support/mod.ts";
import { PAPER, startLearner, tinyParameter } from "./tiny_learner.ts";
import { crossEntropyCriterion } from "../../src/objectives/criterion.ts";

const parameters = [tinyParameter("weight"), tinyParameter("running", false)];

/** Side effects of the forward pass of a network. */
interface NetworkBehavior {
  /** Whether it multiplies by a number rngIndices with the rngKey. */
  readonly usesRng: boolean;
  /** Whether it reports updates of its running statistic. */
  readonly reportsUpdates: boolean;
}

/** Logits (0, w·x): the running statistic follows the mean of the images. */
function networkOf(
  { usesRng, reportsUpdates }: NetworkBehavior,
  rngIndices: number[],
): Network {
  const forward = (weights: Weights, images: tf.Tensor4D, context: ForwardContext) => {
    const [weight, running] = ["weight", "running"].map((name) =>
      weights.get(name) ?? assert.fail()
    ) as [tf.Tensor, tf.Tensor];
    const mean = tf.reshape(tf.mean(images), [1]);
    const apply = (weights: Weights) =>
      lerp(weights.get("running") ?? running, mean, 0.9);
    apply(weights);
    if (reportsUpdates) {
      const buffers = parameters.filter(({ trainable }) => !trainable);
      context.onRunningStatsUpdate?.({ buffers, batchStatistics: [mean], apply });
    }
    let second = tf.mul(tf.mean(images, 3, true), weight);
    if (usesRng && context.rngKey !== null) {
      rngIndices.push(context.rngKey.iteration);
      second = tf.mul(second, 1 + context.rngKey.iteration / 100);
    }
    const logits = tf.concat([tf.zerosLike(second), second], 3) as tf.Tensor4D;
    return { features: [second as tf.Tensor4D], logits, auxiliaryLogits: [] };
  };
  return { parameters, classCount: 2, decoder: {}, forward } as unknown as Network;
}

function batchOf(seed: number): Batch {
  const images = Float32Array.from({ length: 12 }, (_, i) => Math.sin(i + seed) + 0.1);
  return uploadBatch({
    batchSize: 1,
    height: 2,
    width: 2,
    source: { fileNames: ["x"], images, labels: Uint8Array.of(0, 1, 1, 255) },
    target: { fileNames: ["y"], images: images.map((value) => value / 2) },
  });
}

interface Case extends NetworkBehavior, ReuseOptions {
  readonly lookAhead: LookAhead;
  readonly iterations: number;
}

interface Outcome {
  /** Student forward passes over source images, per iteration. */
  readonly sourcePasses: number[];
  /** Forward passes of the frozen network, per iteration. */
  readonly frozenPasses: number[];
  /** Weights, running statistics and logged losses. */
  readonly results: number[];
  /** The forward index of every draw on source or mixed images. */
  readonly rngIndices: number[];
}

async function run(
  { lookAhead, iterations, reuse, shareDropout, ...behavior }: Case,
): Promise<Outcome> {
  const rngIndices: number[] = [];
  const network = networkOf(behavior, rngIndices);
  const [sourcePasses, frozenPasses]: [number[], number[]] = [[], []];
  const count = (counts: number[]) => counts.push((counts.pop() ?? 0) + 1);
  const batches = Array.from({ length: 1 + lookAhead.width }, (_, i) => batchOf(i));
  const sources = new Set(batches.map(({ source }) => source.images));
  const featureDistance: FeatureDistance = ({ source }) => {
    count(frozenPasses);
    const frozen = tf.tidy(() => tf.keep(tf.mean(source.images, 3, true)));
    return {
      distance: ([features]) =>
        tf.mean(tf.square(tf.sub(features ?? assert.fail(), frozen))),
      release: () => frozen.dispose(),
    };
  };
  const objective = domainAdaptation({
    criterion: crossEntropyCriterion("all"),
    network: {
      ...network,
      forward(weights, images, context) {
        if (sources.has(images)) count(sourcePasses);
        return network.forward(weights, images, context);
      },
    },
    seed: 0,
    featureDistance,
    reuse,
    shareDropout,
    target: {
      pseudoLabel: { threshold: 0.5, ignoreTop: 0, ignoreBottom: 0 },
      mix: ({ source, target }, { labels, pixelWeights }, forwardIndex) =>
        tf.tidy(() => ({
          images: tf.mul(target?.images ?? source.images, 1 + forwardIndex / 10),
          labels: tf.clone(labels),
          pixelWeights: tf.clone(pixelWeights),
        })),
    },
  });
  const trainableWeights = () => new Map([["weight", tf.tensor1d([0.3])]]);
  const allWeights = () =>
    new Map([...trainableWeights(), ["running", tf.tensor1d([0])]]);
  const learner = startLearner(allWeights, trainableWeights);
  const scratch = createScratchSets(learner, lookAhead);
  const logged: Losses[] = [];
  const tensorCount = tf.memory().numTensors;
  for (let t = 0; t < iterations; t++) {
    [sourcePasses, frozenPasses].forEach((counts) => counts.push(0));
    const recipe = {
      parameters,
      ...objective,
      optimizerStep: (
        weights: Weights,
        { steps }: { steps: number },
        gradient: Weights,
      ) => {
        const [value, valueGradient] = [weights, gradient].map((tensors) =>
          tensors.get("weight")
        );
        assert.ok(value && valueGradient);
        tf.tidy(() =>
          lerp(value, tf.sub(value, tf.mul(valueGradient, 0.1 / (1 + steps))), 0)
        );
      },
    };
    logged.push(
      futureSelfTraining({ learner, scratch, batches, iteration: t, lookAhead, recipe }),
    );
  }
  const losses = logged.flatMap((losses) => [...losses.values()]);
  assert.equal(
    tf.memory().numTensors,
    tensorCount + losses.length,
    "only the losses are kept",
  );
  const results: number[] = [];
  const tensors = [learner.student, learner.teacher ?? new Map()]
    .flatMap((weights) => [...weights.values()]);
  for (const tensor of [...tensors, ...losses]) results.push(...await readBack(tensor));
  releaseScratchSets(scratch);
  const { student, teacher, moments } = learner;
  for (const weights of [student, teacher, moments.first, moments.second]) {
    if (weights !== null) releaseWeights(weights);
  }
  tf.dispose(losses);
  batches.forEach(releaseBatch);
  return { sourcePasses, frozenPasses, results, rngIndices };
}

const DEEP: LookAhead = { ...PAPER, emaDecay: 0.9 };
const CARRY: LookAhead = { ...DEEP, optimizerState: "carry", buffers: "carry" };
const PLAIN_FIRST: LookAhead = { ...CARRY, firstIteration: "plain" };
const WIDE: LookAhead = { ...DEEP, depth: 1, width: 3 };
const BOTH: LookAhead = { ...CARRY, depth: 2, width: 2 };

const LOOK_AHEADS: Readonly<Record<string, LookAhead>> = {
  "depth 3": DEEP,
  "depth 3 with carried state": CARRY,
  "depth 3 after a plain iteration": PLAIN_FIRST,
  "depth 1": { ...DEEP, depth: 1 },
  "depth 0": { ...DEEP, depth: 0 },
  "width 3": WIDE,
  "depth 2 × width 2": BOTH,
};

/** Student forward passes over source images in iteration t, from the formula of FST. */
function expectedSourcePasses(
  { depth: K, width: N, firstIteration }: LookAhead,
  t: number,
): number {
  return t === 0 && firstIteration === "plain" ? 1 : K * N + 1;
}

/** The number of different batches in iteration t. */
function expectedBatches(
  { depth: K, width: N, firstIteration }: LookAhead,
  t: number,
): number {
  if (K === 0 || N === 1) return 1;
  return t === 0 && firstIteration === "plain" ? 1 : N + 1;
}

const savedPasses = (lookAhead: LookAhead, t: number): number =>
  lookAhead.width === 1 && lookAhead.depth > 0 && expectedSourcePasses(lookAhead, t) > 1
    ? 1
    : 0;

const ITERATIONS = 3;
const DETERMINISTIC: NetworkBehavior = { usesRng: false, reportsUpdates: true };
const perIteration = (count: (t: number) => number) =>
  Array.from({ length: ITERATIONS }, (_, t) => count(t));

for (const [name, lookAhead] of Object.entries(LOOK_AHEADS)) {
  onEachBackend(
    `domainAdaptation() with reuse saves passes and changes no bit: ${name}`,
    async () => {
      const options = {
        ...DETERMINISTIC,
        lookAhead,
        iterations: ITERATIONS,
        shareDropout: false,
      };
      const without = await run({ ...options, reuse: false });
      const reused = await run({ ...options, reuse: true });
      assert.deepEqual(
        without.sourcePasses,
        perIteration((t) => expectedSourcePasses(lookAhead, t)),
      );
      assert.deepEqual(without.frozenPasses, without.sourcePasses);
      assert.deepEqual(
        reused.sourcePasses,
        perIteration((t) =>
          expectedSourcePasses(lookAhead, t) - savedPasses(lookAhead, t)
        ),
      );
      assert.deepEqual(
        reused.frozenPasses,
        perIteration((t) => expectedBatches(lookAhead, t)),
      );
      assert.deepEqual(reused.results, without.results);
      assert.ok(reused.results.every(Number.isFinite));
    },
  );
}

onEachBackend(
  "domainAdaptation() with random layers reuses only frozen features",
  async () => {
    const options = {
      ...DETERMINISTIC,
      usesRng: true,
      lookAhead: CARRY,
      iterations: ITERATIONS,
    };
    const without = await run({ ...options, reuse: false, shareDropout: false });
    const reused = await run({ ...options, reuse: true, shareDropout: false });
    assert.deepEqual(reused.sourcePasses, perIteration(() => 4));
    assert.deepEqual(reused.frozenPasses, perIteration(() => 1));
    assert.deepEqual(reused.results, without.results);
    assert.deepEqual(
      reused.rngIndices,
      without.rngIndices,
      "the forward indices of the draws stay the same",
    );
  },
);

onEachBackend("domainAdaptation() with shareDropout reuses the source pass", async () => {
  const options = {
    ...DETERMINISTIC,
    usesRng: true,
    lookAhead: CARRY,
    iterations: ITERATIONS,
  };
  const independent = await run({ ...options, reuse: false, shareDropout: false });
  const without = await run({ ...options, reuse: false, shareDropout: true });
  const reused = await run({ ...options, reuse: true, shareDropout: true });
  // Source, then mixed images; the fourth forward pass shares the source draws of the first.
  assert.deepEqual(independent.rngIndices.slice(0, 8), [0, 0, 1, 1, 2, 2, 3, 3]);
  assert.deepEqual(without.rngIndices.slice(0, 8), [0, 0, 1, 1, 2, 2, 0, 3]);
  assert.deepEqual(reused.rngIndices.slice(0, 7), [0, 0, 1, 1, 2, 2, 3]);
  assert.deepEqual(reused.sourcePasses, perIteration(() => 3));
  assert.deepEqual(reused.results, without.results);
  assert.notDeepEqual(without.results, independent.results);
});

onEachBackend(
  "domainAdaptation() reruns layers with unreported buffer updates",
  async () => {
    const options = {
      usesRng: false,
      reportsUpdates: false,
      lookAhead: CARRY,
      iterations: ITERATIONS,
    };
    const without = await run({ ...options, reuse: false, shareDropout: false });
    const reused = await run({ ...options, reuse: true, shareDropout: false });
    assert.deepEqual(reused.sourcePasses, perIteration(() => 4));
    assert.deepEqual(reused.results, without.results);
  },
);
