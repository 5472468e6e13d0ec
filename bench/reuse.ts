/**
 * What reuse saves in an iteration of FST-D with feature distance: ways to compute it,
 * measured in turns on one learner in one process.
 *
 * @module
 */
import process from "node:process";
import {
  applyStrongAugmentation,
  drawStrongAugmentation,
} from "../src/augment/strong_augmentation.ts";
import { MethodSchema } from "../src/config/method.ts";
import { ModelSchema } from "../src/config/model.ts";
import {
  type BackendChoice,
  type BackendInfo,
  type CpuOptions,
  openBackend,
} from "../src/core/backend.ts";
import { releaseBatch, uploadBatch } from "../src/core/batch.ts";
import { type HostBatch, IMAGENET } from "../src/core/host_batch.ts";
import type { Network, Weights } from "../src/core/network.ts";
import { createRandom } from "../src/core/random.ts";
import { initializeWeights, releaseWeights } from "../src/core/weights.ts";
import { buildNetwork } from "../src/evaluate/build_network.ts";
import { lookAheadOptions } from "../src/train/build_method.ts";
import { createLearner } from "../src/train/learner_checkpoint.ts";
import { createLossBuffer } from "../src/train/loss_buffer.ts";
import { domainAdaptation } from "../src/methods/domain_adaptation.ts";
import { imageNetFeatureDistance } from "../src/methods/imagenet_feature_distance.ts";
import { futureSelfTraining } from "../src/methods/future_self_training.ts";
import { createScratchSets, releaseScratchSets } from "../src/methods/scratch_sets.ts";
import type { Objective } from "../src/methods/learner.ts";
import type { FeatureDistance, ReuseOptions } from "../src/methods/source_loss.ts";
import { adamwStep } from "../src/optim/optimizer.ts";
import { crossEntropyCriterion } from "../src/objectives/criterion.ts";
import { separateBackward } from "./separate_backward.ts";

interface BenchmarkedNetwork {
  /** Its section of a configuration. */
  readonly model: unknown;
  /** Whether it has dropout that could be shared. */
  readonly hasDropout: boolean;
}

/** The networks, by the names in tables. */
export const NETWORKS: Readonly<Record<string, BenchmarkedNetwork>> = {
  "MiT-B0 + DAFormer": {
    model: { encoder: { name: "mit-b0" }, decoder: { name: "daformer" } },
    hasDropout: true,
  },
  "ResNet-50 + DeepLabV2": {
    model: { encoder: { name: "resnet-50" }, decoder: { name: "deeplabv2" } },
    hasDropout: false,
  },
};

interface ReuseVariant extends ReuseOptions {
  /** Whether loss and feature distance go back together. */
  readonly sharedBackward: boolean;
}

/** Ways to compute the same iteration; the last one draws dropout differently. */
export const REUSE_VARIANTS: Readonly<Record<string, ReuseVariant>> = {
  "separate backward passes, no reuse": {
    sharedBackward: false,
    reuse: false,
    shareDropout: false,
  },
  "no reuse": { sharedBackward: true, reuse: false, shareDropout: false },
  "reuse": { sharedBackward: true, reuse: true, shareDropout: false },
  "reuse, shared dropout": { sharedBackward: true, reuse: true, shareDropout: true },
};

/** One way's time. */
export interface ReuseTime {
  readonly network: string;
  readonly variant: string;
  /**
   * Median over the rounds, in seconds per iteration: of the processor's time on wasm,
   * which other programs disturb less, and of the clock on a device.
   */
  readonly seconds: number;
  /** Medians of the ratios to the first and to the second way of the same round. */
  readonly ratios: readonly [toSeparate: number, toNone: number];
}

const CLASSES = 19;
const BATCH = 2;
// The default look-ahead is that of the paper, K = 3.
const LOOK_AHEAD_K3 = lookAheadOptions(
  MethodSchema.parse({ name: "self-training", lookAhead: {} }),
);
const ADAMW = {
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0.01,
  headLrMultiplier: 10,
} as const;
const MIXING = {
  colorJitterStrength: 0.2,
  colorJitterProbability: 1, // so that all iterations cost the same
  blurProbability: 1,
  classesFrom: "image",
} as const;

/**
 * Times iterations of K = 3; a round times each way once.
 *
 * @param rounds Rounds that count; one more comes first, to warm up.
 * @param side Of the crops, in pixels.
 */
export async function benchReuse(
  { backend, cpu }: { readonly backend: BackendChoice; readonly cpu: CpuOptions },
  rounds: number,
  side: number,
  names: readonly string[] = Object.keys(NETWORKS),
): Promise<{ backend: BackendInfo; times: ReuseTime[] }> {
  const info = await openBackend(backend, cpu);
  const times: ReuseTime[] = [];
  for (const name of names) {
    const candidate = NETWORKS[name];
    if (candidate === undefined) {
      throw new RangeError(
        `Cannot measure "${name}": known are ${Object.keys(NETWORKS).join(", ")}`,
      );
    }
    const network = buildNetwork(ModelSchema.parse(candidate.model), CLASSES);
    const variants = Object.entries(REUSE_VARIANTS).filter(([, { shareDropout }]) =>
      candidate.hasDropout || !shareDropout
    );
    const seconds = await timeVariants(
      network,
      variants,
      rounds,
      side,
      secondsNowOf(info),
    );
    const [separateBackwardSeconds = [], noReuse = []] = seconds.values();
    for (const [variant, variantSeconds] of seconds) {
      const against = (base: readonly number[]) =>
        median(variantSeconds.map((value, i) => value / (base[i] ?? NaN)));
      const ratios = [against(separateBackwardSeconds), against(noReuse)] as const;
      times.push({ network: name, variant, seconds: median(variantSeconds), ratios });
    }
  }
  return { backend: info, times };
}

// Seconds of every round, by way. One learner serves all: time does not depend on values.
async function timeVariants(
  network: Network,
  variants: readonly [string, ReuseVariant][],
  rounds: number,
  side: number,
  secondsNow: () => number,
): Promise<Map<string, number[]>> {
  const { parameters } = network;
  const imagenetWeights = initializeWeights(network.encoder.parameters, 1);
  const learner = createLearner(parameters, initializeWeights(parameters, 0), true);
  const scratch = createScratchSets(learner, LOOK_AHEAD_K3);
  const batch = uploadBatch(noiseBatch(side));
  const log = createLossBuffer(0);
  const runners = variants.map(([variant, options]) => ({
    way: variant,
    objective: buildObjective(network, imagenetWeights, options),
    seconds: [] as number[],
  }));
  let t = 0;
  for (let round = -1; round < rounds; round++) {
    for (const { objective, seconds } of runners) {
      const from = secondsNow();
      const losses = futureSelfTraining({
        learner,
        scratch,
        batches: [batch],
        iteration: t,
        lookAhead: LOOK_AHEAD_K3,
        recipe: {
          parameters,
          ...objective,
          optimizerStep: (weights, moments, gradient) =>
            adamwStep(parameters, weights, moments, gradient, 6e-5, ADAMW),
        },
      });
      log.add(t++, [], losses);
      await log.read();
      if (round >= 0) seconds.push(secondsNow() - from);
    }
  }
  releaseBatch(batch);
  releaseScratchSets(scratch);
  const { student, teacher, moments } = learner;
  for (const set of [student, teacher, imagenetWeights, moments.first, moments.second]) {
    if (set !== null) releaseWeights(set);
  }
  return new Map(runners.map(({ way: variant, seconds }) => [variant, seconds]));
}

function secondsNowOf({ name }: BackendInfo): () => number {
  if (name !== "wasm") return () => performance.now() / 1000;
  return () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
}

function buildObjective(
  network: Network,
  imagenetWeights: Weights,
  variant: ReuseVariant,
): Objective {
  const build = (featureDistance: FeatureDistance): Objective =>
    domainAdaptation({
      criterion: crossEntropyCriterion("all"),
      ...variant,
      network,
      seed: 0,
      featureDistance,
      target: {
        pseudoLabel: { threshold: 0.968, ignoreTop: 0, ignoreBottom: 0 },
        mix({ source, target, host }, pseudoLabels, evaluation) {
          const random = createRandom(0, "strong", evaluation);
          const augmentation = drawStrongAugmentation(
            host.source.labels,
            host.batchSize,
            MIXING,
            random,
          );
          const images = target?.images ?? source.images;
          return applyStrongAugmentation(
            { source, target: { ...pseudoLabels, images } },
            augmentation,
            IMAGENET,
          );
        },
      },
    });
  const featureDistance = imageNetFeatureDistance(network, imagenetWeights, {
    lossWeight: 0.005,
    classIds: Array.from({ length: CLASSES }, (_, i) => i),
    scaleMinRatio: 0.75,
  });
  return variant.sharedBackward
    ? build(featureDistance)
    : separateBackward(network, featureDistance, build);
}

// Noise with labels in squares of 32 pixels, so that cells of features have a class.
function noiseBatch(side: number): HostBatch {
  const random = createRandom(0, "bench");
  const pixels = BATCH * side * side;
  const noise = () => Float32Array.from({ length: 3 * pixels }, () => random.normal());
  const labels = Uint8Array.from({ length: pixels }, (_, i) => {
    const [x, y] = [i % side, Math.floor(i / side)];
    return (Math.floor(x / 32) + 5 * Math.floor(y / 32)) % CLASSES;
  });
  return {
    batchSize: BATCH,
    height: side,
    width: side,
    source: { fileNames: ["noise"], images: noise(), labels },
    target: { fileNames: ["noise"], images: noise() },
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}
