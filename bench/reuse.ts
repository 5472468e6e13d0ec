/**
 * What reuse saves in an iteration of FST-D with feature distance: ways to compute it,
 * measured in turns on one learner in one process.
 *
 * @module
 */
import process from "node:process";
import { applyStrong, drawStrong } from "../src/augment/strong.ts";
import { ModelSchema } from "../src/config/model.ts";
import {
  type BackendChoice,
  type BackendInfo,
  openBackend,
} from "../src/core/backend.ts";
import { releaseBatch, uploadBatch } from "../src/core/batch.ts";
import { type HostBatch, IMAGENET } from "../src/core/host_batch.ts";
import type { Network, Weights } from "../src/core/network.ts";
import { createRandom } from "../src/core/random.ts";
import { initialWeights, releaseWeights } from "../src/core/weights.ts";
import { buildNetwork } from "../src/engine/build.ts";
import { freshLearner } from "../src/engine/learner_file.ts";
import { openLossLog } from "../src/engine/loss_log.ts";
import { domainAdaptation } from "../src/methods/domain_adaptation.ts";
import { featureAnchor } from "../src/methods/feature_anchor.ts";
import {
  futureSelfTraining,
  futureSlots,
  type LookAhead,
  releaseSlots,
} from "../src/methods/future_self_training.ts";
import type { Objective } from "../src/methods/learner.ts";
import type { Anchor, Sharing } from "../src/methods/source_loss.ts";
import { adamwStep } from "../src/optim/adamw.ts";
import { separateBackward } from "./separate_backward.ts";

interface Candidate {
  /** Its section of a configuration. */
  readonly model: unknown;
  /** Whether it has dropout that could be shared. */
  readonly drops: boolean;
}

/** The networks, by the names in tables. */
export const NETWORKS: Readonly<Record<string, Candidate>> = {
  "MiT-B0 + DAFormer": {
    model: { encoder: { name: "mit-b0" }, decoder: { name: "daformer" } },
    drops: true,
  },
  "ResNet-50 + DeepLabV2": {
    model: { encoder: { name: "resnet-50" }, decoder: { name: "deeplabv2" } },
    drops: false,
  },
};

interface Way extends Sharing {
  /** Whether loss and feature distance go back together. */
  readonly together: boolean;
}

/** Ways to compute the same iteration; the last one draws dropout differently. */
export const WAYS: Readonly<Record<string, Way>> = {
  "two backward passes, no reuse": {
    together: false,
    reuse: false,
    shareDropout: false,
  },
  "no reuse": { together: true, reuse: false, shareDropout: false },
  "reuse": { together: true, reuse: true, shareDropout: false },
  "reuse, shared dropout": { together: true, reuse: true, shareDropout: true },
};

/** One way's time. */
export interface ReuseTime {
  readonly network: string;
  readonly way: string;
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
const DEEP: LookAhead = {
  depth: 3,
  width: 1,
  momentum: 0.999,
  optimizerState: "restore",
  buffers: "restore",
  teacherClock: "iteration",
  presentStudent: "before",
  firstIteration: "lookahead",
};
const ADAMW = {
  betas: [0.9, 0.999],
  epsilon: 1e-8,
  weightDecay: 0.01,
  headFactor: 10,
} as const;
const MIXING = {
  jitterStrength: 0.2,
  jitterProbability: 1, // so that all iterations cost the same
  blurProbability: 1,
  classes: "image",
} as const;

/**
 * Times iterations of K = 3; a round times each way once.
 *
 * @param rounds Rounds that count; one more comes first, to warm up.
 * @param side Of the crops, in pixels.
 */
export async function benchReuse(
  backend: BackendChoice,
  rounds: number,
  side: number,
  names: readonly string[] = Object.keys(NETWORKS),
): Promise<{ backend: BackendInfo; times: ReuseTime[] }> {
  const info = await openBackend(backend);
  const times: ReuseTime[] = [];
  for (const name of names) {
    const candidate = NETWORKS[name];
    if (candidate === undefined) {
      throw new RangeError(
        `Cannot measure "${name}": known are ${Object.keys(NETWORKS).join(", ")}`,
      );
    }
    const network = buildNetwork(ModelSchema.parse(candidate.model), CLASSES);
    const ways = Object.entries(WAYS).filter(([, { shareDropout }]) =>
      candidate.drops || !shareDropout
    );
    const seconds = await timeWays(network, ways, rounds, side, clockOf(info));
    const [separate = [], none = []] = seconds.values();
    for (const [way, spent] of seconds) {
      const against = (base: readonly number[]) =>
        median(spent.map((one, i) => one / (base[i] ?? NaN)));
      const ratios = [against(separate), against(none)] as const;
      times.push({ network: name, way, seconds: median(spent), ratios });
    }
  }
  return { backend: info, times };
}

// Seconds of every round, by way. One learner serves all: time does not depend on values.
async function timeWays(
  network: Network,
  ways: readonly [string, Way][],
  rounds: number,
  side: number,
  secondsNow: () => number,
): Promise<Map<string, number[]>> {
  const { parameters } = network;
  const frozen = initialWeights(network.encoder.parameters, 1);
  const learner = freshLearner(parameters, initialWeights(parameters, 0), true);
  const slots = futureSlots(learner, DEEP);
  const batch = uploadBatch(randomBatch(side));
  const log = openLossLog(0);
  const runners = ways.map(([way, how]) => ({
    way,
    objective: objectiveOf(network, frozen, how),
    seconds: [] as number[],
  }));
  let t = 0;
  for (let round = -1; round < rounds; round++) {
    for (const { objective, seconds } of runners) {
      const from = secondsNow();
      const losses = futureSelfTraining(learner, slots, [batch], t, DEEP, {
        parameters,
        ...objective,
        descend: (weights, moments, gradient) =>
          adamwStep(parameters, weights, moments, gradient, 6e-5, ADAMW),
      });
      log.add(t++, [], losses);
      await log.read();
      if (round >= 0) seconds.push(secondsNow() - from);
    }
  }
  releaseBatch(batch);
  releaseSlots(slots);
  const { student, teacher, moments } = learner;
  for (const set of [student, teacher, frozen, moments.first, moments.second]) {
    if (set !== null) releaseWeights(set);
  }
  return new Map(runners.map(({ way, seconds }) => [way, seconds]));
}

function clockOf({ name }: BackendInfo): () => number {
  if (name !== "wasm") return () => performance.now() / 1000;
  return () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
}

function objectiveOf(network: Network, frozen: Weights, way: Way): Objective {
  const build = (anchor: Anchor): Objective =>
    domainAdaptation({
      ...way,
      network,
      seed: 0,
      anchor,
      target: {
        pseudoLabel: { threshold: 0.968, ignoreTop: 0, ignoreBottom: 0 },
        mix({ source, target, host }, opinion, evaluation) {
          const random = createRandom(0, "strong", evaluation);
          const drawn = drawStrong(host.source.labels, host.batch, MIXING, random);
          const images = target?.images ?? source.images;
          return applyStrong({ source, target: { ...opinion, images } }, drawn, IMAGENET);
        },
      },
    });
  const anchor = featureAnchor(network, frozen, {
    weight: 0.005,
    classes: Array.from({ length: CLASSES }, (_, i) => i),
    minimumShare: 0.75,
  });
  return way.together ? build(anchor) : separateBackward(network, anchor, build);
}

// Noise with labels in squares of 32 pixels, so that cells of features have a class.
function randomBatch(side: number): HostBatch {
  const random = createRandom(0, "bench");
  const pixels = BATCH * side * side;
  const noise = () => Float32Array.from({ length: 3 * pixels }, () => random.normal());
  const labels = Uint8Array.from({ length: pixels }, (_, i) => {
    const [x, y] = [i % side, Math.floor(i / side)];
    return (Math.floor(x / 32) + 5 * Math.floor(y / 32)) % CLASSES;
  });
  return {
    batch: BATCH,
    height: side,
    width: side,
    source: { names: ["noise"], images: noise(), labels },
    target: { names: ["noise"], images: noise() },
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}
