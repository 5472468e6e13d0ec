// What an iteration computes once, on a network of one number and one running statistic:
// how often each pass happens is what a plain recursion says, and nothing else changes.
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { type Batch, releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import type { Network, Parameter, Pass, Weights } from "../../src/core/network.ts";
import { releaseWeights } from "../../src/core/weights.ts";
import * as tf from "../../src/core/tf.ts";
import { domainAdaptation } from "../../src/methods/domain_adaptation.ts";
import {
  futureSelfTraining,
  futureSlots,
  type LookAhead,
  releaseSlots,
} from "../../src/methods/future_self_training.ts";
import { type Learner, type Losses } from "../../src/methods/learner.ts";
import type { Anchor, Sharing } from "../../src/methods/source_loss.ts";
import { blend } from "../../src/ops/in_place.ts";
import { onEachBackend } from "../support/mod.ts";

const parameter = (name: string, trained: boolean): Parameter => ({
  name,
  shape: [1],
  layout: "plain",
  initial: { kind: "constant", value: 0 },
  trained,
});
const parameters = [parameter("weight", true), parameter("running", false)];

/** What a network does besides multiplying. */
interface Habits {
  /** It multiplies with a number that the pass's chance gives. */
  readonly draws: boolean;
  /** It tells how it changes its running statistic. */
  readonly tells: boolean;
}

/** Logits (0, w·x): the running statistic follows the mean of the images. */
function networkOf({ draws, tells }: Habits, drawn: number[]): Network {
  const forward = (weights: Weights, images: tf.Tensor4D, pass: Pass) => {
    const [weight, running] = ["weight", "running"].map((name) =>
      weights.get(name) ?? assert.fail()
    ) as [tf.Tensor, tf.Tensor];
    const mean = tf.reshape(tf.mean(images), [1]);
    const make = (weights: Weights) =>
      blend(weights.get("running") ?? running, mean, 0.9);
    make(weights);
    if (tells) {
      const buffers = parameters.filter(({ trained }) => !trained);
      pass.changed?.({ buffers, reads: [mean], make });
    }
    let second = tf.mul(tf.mean(images, 3, true), weight);
    if (draws && pass.chance !== null) {
      drawn.push(pass.chance.iteration);
      second = tf.mul(second, 1 + pass.chance.iteration / 100);
    }
    const logits = tf.concat([tf.zerosLike(second), second], 3) as tf.Tensor4D;
    return { features: [second as tf.Tensor4D], logits, sides: [] };
  };
  return { parameters, classes: 2, decoder: {}, forward } as unknown as Network;
}

function batchOf(seed: number): Batch {
  const images = Float32Array.from({ length: 12 }, (_, i) => Math.sin(i + seed) + 0.1);
  return uploadBatch({
    batch: 1,
    height: 2,
    width: 2,
    source: { names: ["x"], images, labels: Uint8Array.of(0, 1, 1, 255) },
    target: { names: ["y"], images: images.map((one) => one / 2) },
  });
}

interface Case extends Habits, Sharing {
  readonly lookAhead: LookAhead;
  readonly iterations: number;
}

interface Outcome {
  /** Passes of the student over source images, per iteration. */
  readonly passes: number[];
  /** Looks at a batch with the frozen network, per iteration. */
  readonly looks: number[];
  /** Weights, running statistics and logged losses, in bits. */
  readonly numbers: number[];
  /** n of every draw on the source or the mixed images. */
  readonly drawn: number[];
}

async function run(
  { lookAhead, iterations, reuse, shareDropout, ...habits }: Case,
): Promise<Outcome> {
  const drawn: number[] = [];
  const network = networkOf(habits, drawn);
  const [passes, looks]: [number[], number[]] = [[], []];
  const count = (counts: number[]) => counts.push((counts.pop() ?? 0) + 1);
  const batches = Array.from({ length: 1 + lookAhead.width }, (_, i) => batchOf(i));
  const sources = new Set(batches.map(({ source }) => source.images));
  const anchor: Anchor = ({ source }) => {
    count(looks);
    const frozen = tf.tidy(() => tf.keep(tf.mean(source.images, 3, true)));
    return {
      distance: ([features]) =>
        tf.mean(tf.square(tf.sub(features ?? assert.fail(), frozen))),
      release: () => frozen.dispose(),
    };
  };
  const objective = domainAdaptation({
    network: {
      ...network,
      forward(weights, images, pass) {
        if (sources.has(images)) count(passes);
        return network.forward(weights, images, pass);
      },
    },
    seed: 0,
    anchor,
    reuse,
    shareDropout,
    target: {
      pseudoLabel: { threshold: 0.5, ignoreTop: 0, ignoreBottom: 0 },
      mix: ({ source, target }, { labels, weights }, evaluation) =>
        tf.tidy(() => ({
          images: tf.mul(target?.images ?? source.images, 1 + evaluation / 10),
          labels: tf.clone(labels),
          weights: tf.clone(weights),
        })),
    },
  });
  const set = () => new Map([["weight", tf.tensor1d([0.3])]]);
  const whole = () => new Map([...set(), ["running", tf.tensor1d([0])]]);
  const learner: Learner = {
    student: whole(),
    teacher: whole(),
    moments: { steps: 0, first: set(), second: set() },
    evaluations: 0,
  };
  const slots = futureSlots(learner, lookAhead);
  const logged: Losses[] = [];
  const alive = tf.memory().numTensors;
  for (let t = 0; t < iterations; t++) {
    [passes, looks].forEach((counts) => counts.push(0));
    const recipe = {
      parameters,
      ...objective,
      descend: (weights: Weights, { steps }: { steps: number }, gradient: Weights) => {
        const [value, slope] = [weights, gradient].map((one) => one.get("weight"));
        assert.ok(value && slope);
        tf.tidy(() => blend(value, tf.sub(value, tf.mul(slope, 0.1 / (1 + steps))), 0));
      },
    };
    logged.push(futureSelfTraining(learner, slots, batches, t, lookAhead, recipe));
  }
  const losses = logged.flatMap((one) => [...one.values()]);
  assert.equal(tf.memory().numTensors, alive + losses.length, "only the log is kept");
  const numbers: number[] = [];
  const tensors = [learner.student, learner.teacher ?? new Map()]
    .flatMap((weights) => [...weights.values()]);
  for (const one of [...tensors, ...losses]) numbers.push(...await readBack(one));
  releaseSlots(slots);
  const { student, teacher, moments } = learner;
  for (const one of [student, teacher, moments.first, moments.second]) {
    if (one !== null) releaseWeights(one);
  }
  tf.dispose(losses);
  batches.forEach(releaseBatch);
  return { passes, looks, numbers, drawn };
}

const DEEP: LookAhead = {
  depth: 3,
  width: 1,
  momentum: 0.9,
  optimizerState: "restore",
  buffers: "restore",
  teacherClock: "iteration",
  presentStudent: "before",
  firstIteration: "lookahead",
};
const CARRY: LookAhead = { ...DEEP, optimizerState: "carry", buffers: "carry" };
const PLAIN_FIRST: LookAhead = { ...CARRY, firstIteration: "plain" };
const WIDE: LookAhead = { ...DEEP, depth: 1, width: 3 };
const BOTH: LookAhead = { ...CARRY, depth: 2, width: 2 };

const LOOK_AHEADS: Readonly<Record<string, LookAhead>> = {
  "depth 3": DEEP,
  "depth 3, all carried": CARRY,
  "depth 3 after a plain iteration": PLAIN_FIRST,
  "depth 1": { ...DEEP, depth: 1 },
  "no depth": { ...DEEP, depth: 0 },
  "width 3": WIDE,
  "depth 2 × width 2": BOTH,
};

/** Student passes over source images in iteration t, as the method's page counts them. */
function passesOf({ depth: K, width: N, firstIteration }: LookAhead, t: number): number {
  return t === 0 && firstIteration === "plain" ? 1 : K * N + 1;
}

/** Batches that iteration t looks at. */
function batchesOf({ depth: K, width: N, firstIteration }: LookAhead, t: number): number {
  if (K === 0 || N === 1) return 1;
  return t === 0 && firstIteration === "plain" ? 1 : N + 1;
}

const saves = (lookAhead: LookAhead, t: number): number =>
  lookAhead.width === 1 && lookAhead.depth > 0 && passesOf(lookAhead, t) > 1 ? 1 : 0;

const ITERATIONS = 3;
const STEADY: Habits = { draws: false, tells: true };
const each = (count: (t: number) => number) =>
  Array.from({ length: ITERATIONS }, (_, t) => count(t));

for (const [name, lookAhead] of Object.entries(LOOK_AHEADS)) {
  onEachBackend(`${name}: reuse saves passes and changes no bit`, async () => {
    const of = { ...STEADY, lookAhead, iterations: ITERATIONS, shareDropout: false };
    const without = await run({ ...of, reuse: false });
    const reused = await run({ ...of, reuse: true });
    assert.deepEqual(without.passes, each((t) => passesOf(lookAhead, t)));
    assert.deepEqual(without.looks, without.passes);
    assert.deepEqual(
      reused.passes,
      each((t) => passesOf(lookAhead, t) - saves(lookAhead, t)),
    );
    assert.deepEqual(reused.looks, each((t) => batchesOf(lookAhead, t)));
    assert.deepEqual(reused.numbers, without.numbers);
    assert.ok(reused.numbers.every(Number.isFinite));
  });
}

onEachBackend("a network that draws shares its frozen features only", async () => {
  const of = { ...STEADY, draws: true, lookAhead: CARRY, iterations: ITERATIONS };
  const without = await run({ ...of, reuse: false, shareDropout: false });
  const reused = await run({ ...of, reuse: true, shareDropout: false });
  assert.deepEqual(reused.passes, each(() => 4));
  assert.deepEqual(reused.looks, each(() => 1));
  assert.deepEqual(reused.numbers, without.numbers);
  assert.deepEqual(reused.drawn, without.drawn, "the keys of its draws stay the same");
});

onEachBackend("with shared draws the source is seen once, with equal bits", async () => {
  const of = { ...STEADY, draws: true, lookAhead: CARRY, iterations: ITERATIONS };
  const own = await run({ ...of, reuse: false, shareDropout: false });
  const without = await run({ ...of, reuse: false, shareDropout: true });
  const reused = await run({ ...of, reuse: true, shareDropout: true });
  // Source, then mixed images; the fourth evaluation draws for the source as the first.
  assert.deepEqual(own.drawn.slice(0, 8), [0, 0, 1, 1, 2, 2, 3, 3]);
  assert.deepEqual(without.drawn.slice(0, 8), [0, 0, 1, 1, 2, 2, 0, 3]);
  assert.deepEqual(reused.drawn.slice(0, 7), [0, 0, 1, 1, 2, 2, 3]);
  assert.deepEqual(reused.passes, each(() => 3));
  assert.deepEqual(reused.numbers, without.numbers);
  assert.notDeepEqual(without.numbers, own.numbers);
});

onEachBackend("a layer that changes buffers without telling is run again", async () => {
  const of = { draws: false, tells: false, lookAhead: CARRY, iterations: ITERATIONS };
  const without = await run({ ...of, reuse: false, shareDropout: false });
  const reused = await run({ ...of, reuse: true, shareDropout: false });
  assert.deepEqual(reused.passes, each(() => 4));
  assert.deepEqual(reused.numbers, without.numbers);
});
