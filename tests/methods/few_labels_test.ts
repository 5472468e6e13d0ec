// Three iterations of the rules for few labels, plain and with a look-ahead of depth 3,
// against the same iterations over plain double-precision numbers.
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { releaseBatch, uploadBatch } from "../../src/core/batch.ts";
import type { HostBatch } from "../../src/core/host_batch.ts";
import type { Network, Parameter, Pass, Weights } from "../../src/core/network.ts";
import { initialWeights, releaseWeights, zerosLike } from "../../src/core/weights.ts";
import * as tf from "../../src/core/tf.ts";
import {
  adaptiveFutureSelfTraining,
  futureSelfTraining,
  futureSlots,
  type LookAhead,
  releaseSlots,
} from "../../src/methods/future_self_training.ts";
import {
  type Learner,
  type Objective,
  releaseLosses,
} from "../../src/methods/learner.ts";
import { meanTeacher } from "../../src/methods/mean_teacher.ts";
import { weakToStrong } from "../../src/methods/weak_to_strong.ts";
import {
  type ContrastMemory,
  contrastMemory,
  contrastParameters,
} from "../../src/objectives/contrast_memory.ts";
import { validCrossEntropy } from "../../src/objectives/valid_cross_entropy.ts";
import { batchMoments, batchNorm, frozenBatchNorm } from "../../src/ops/batch_norm.ts";
import { blend } from "../../src/ops/in_place.ts";
import { sgdStep } from "../../src/optim/sgd.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";
import {
  emptyPast,
  percentile,
  plainContrast,
  type PlainPast,
} from "../objectives/plain_contrast.ts";
import * as plain from "./plain_network.ts";
import { at, CHANNELS, CLASSES, IGNORED, type Plain } from "./plain_network.ts";

const [B, H, W] = [2, 3, 4];
const PIXELS = B * H * W;
const SEED = 1;
const PERCENT = 80;
const THRESHOLD = 0.4;
const WEIGHT = 0.7;
const SGD = { rate: 0.05, momentum: 0.9, decay: 0.01 };
const DEPTH = 3;
const ITERATIONS = 3;
// So small that the banks are full after three iterations.
const CONTRAST = {
  ...{ classes: CLASSES, channels: CHANNELS, weight: 0.4, queries: 5, negatives: 4 },
  ...{ temperature: 0.5, minimumProbability: 0.3 },
  ranks: [1, 3],
  ...{ entriesPerClass: 8, newPerIteration: 3 },
} as const;

/** The names in the network; "decoder." learns ten times faster. */
const NAMES: Readonly<Record<keyof Plain, string>> = {
  scale: "bn.weight",
  shift: "bn.bias",
  mean: "bn.running_mean",
  variance: "bn.running_var",
  filter: "decoder.weight",
  bias: "decoder.bias",
};

const parameters: readonly Parameter[] = plain.names.map((name) => ({
  name: NAMES[name],
  shape: name === "filter" ? [CHANNELS, CLASSES] : [plain.sizeOf(name)],
  layout: "plain",
  initial: { kind: "constant", value: 0 },
  trained: name !== "mean" && name !== "variance",
}));
const of = <T extends tf.Tensor>(weights: Weights, name: keyof Plain): T =>
  (weights.get(NAMES[name]) ?? assert.fail()) as T;

function normalise(weights: Weights, x: tf.Tensor4D, { training }: Pass): tf.Tensor4D {
  const affine = {
    scale: of(weights, "scale"),
    shift: of(weights, "shift"),
    epsilon: 1e-5,
  };
  const running = { mean: of(weights, "mean"), variance: of(weights, "variance") };
  if (!training) return frozenBatchNorm(x, affine, running);
  const own = batchMoments(x);
  const count = x.size / CHANNELS;
  blend(running.mean, own.mean, 0.9);
  blend(running.variance, tf.mul(own.variance, count / (count - 1)), 0.9);
  return batchNorm(x, affine, own);
}

const network: Network = {
  encoder: {
    parameters: parameters.slice(0, 4),
    strides: [1],
    widths: [CHANNELS],
    apply: (weights, images, pass) => [normalise(weights, images, pass)],
  },
  decoder: {
    parameters: parameters.slice(4),
    representationChannels: CHANNELS,
    apply(weights, [map = assert.fail()]) {
      const rows = tf.reshape<tf.Rank.R2>(map, [-1, CHANNELS]);
      const linear = tf.matMul(rows, of<tf.Tensor2D>(weights, "filter"));
      const [images, height, width] = map.shape;
      const logits = tf.add(linear, of(weights, "bias"));
      return tf.reshape<tf.Rank.R4>(logits, [images, height, width, CLASSES]);
    },
  },
  auxiliary: [],
  classes: CLASSES,
  parameters,
  constants: [],
  forward(weights, images, pass) {
    const features = this.encoder.apply(weights, images, pass);
    return { features, logits: this.decoder.apply(weights, features, pass), sides: [] };
  },
  // What the classifier sees is where classes are to lie apart.
  forwardWithRepresentation(weights, images, pass) {
    const seen = this.forward(weights, images, pass);
    return { ...seen, representation: seen.features[0] ?? assert.fail() };
  },
};

// Park and Miller: nothing of ours.
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = state * 48271 % 2147483647) / 2147483647;
}

function start(): Plain {
  const next = numbers(11);
  const some = (count: number, spread = 1, middle = 0) =>
    Array.from({ length: count }, () => middle + spread * (2 * next() - 1));
  return {
    scale: some(CHANNELS, 0.3, 1),
    shift: some(CHANNELS, 0.3),
    mean: some(CHANNELS, 0.3),
    variance: some(CHANNELS, 0.3, 1),
    filter: some(CHANNELS * CLASSES),
    bias: some(CLASSES, 0.3),
  };
}

interface PlainBatch {
  readonly labelled: number[];
  readonly labels: number[];
  readonly unlabelled: number[];
}

function batchAt(t: number): PlainBatch {
  const next = numbers(100 + t);
  const image = () =>
    Array.from({ length: PIXELS * CHANNELS }, () => Math.fround(4 * next() - 2));
  const labels = Array.from(
    { length: PIXELS },
    (_, i) => i % 7 === 3 ? IGNORED : Math.floor(CLASSES * next()),
  );
  return { labelled: image(), labels, unlabelled: image() };
}

function hostOf({ labelled, labels, unlabelled }: PlainBatch): HostBatch {
  return {
    ...{ batch: B, height: H, width: W },
    source: {
      names: ["a", "b"],
      images: Float32Array.from(labelled),
      labels: Uint8Array.from(labels),
    },
    target: { names: ["c", "d"], images: Float32Array.from(unlabelled) },
  };
}

/** The left two columns of each image come from the other one. */
function swapped<T extends tf.Tensor>(x: T): T {
  const [, , , ...rest] = x.shape;
  const none = rest.map(() => 0);
  const part = (image: number, from: number) =>
    tf.slice(x, [image, 0, from, ...none], [1, H, W / 2, ...rest]);
  const joined = [[1, 0], [0, 1]].map(([left = 0, right = 0]) =>
    tf.concat([part(left, 0), part(right, W / 2)], 2)
  );
  return tf.concat(joined, 0) as T;
}

function swappedPlain(x: readonly number[], channels: number): number[] {
  return Array.from(x, (_, i) => {
    const pixel = Math.floor(i / channels);
    const other = (pixel + H * W) % PIXELS;
    return at(x, (pixel % W < W / 2 ? other : pixel) * channels + i % channels);
  });
}

const view = ({ images, labels }: { images: tf.Tensor4D; labels: tf.Tensor }) =>
  tf.tidy(() => ({ images: swapped(images), labels: swapped(labels) }));

type Gradient = ReturnType<typeof plain.noGradient>;
type PlainObjective = (student: Plain, teacher: Plain, batch: PlainBatch) => Gradient;

/** The contrast of a run: what it remembers, and how many evaluations there were. */
interface PlainMemory {
  past: readonly PlainPast[];
  /** What the last evaluation would remember. */
  next: readonly PlainPast[];
  evaluations: number;
  scheduleAt(evaluation: number): readonly [number, number];
}

const best = (p: readonly number[]) => p.indexOf(Math.max(...p));
const all = Array.from({ length: PIXELS }, (_, i) => i);
const valid = (labels: readonly number[]) =>
  labels.filter((label) => label !== IGNORED).length;

const plainMeanTeacher = (
  filter: "train" | "eval",
  memory: PlainMemory | null = null,
): PlainObjective =>
(
  student,
  teacher,
  { labelled, labels, unlabelled },
) => {
  if (filter === "eval") plain.put(teacher, student, plain.BUFFERS);
  const { logits: opinion } = plain.pass(teacher, unlabelled, false);
  const told = all.map((i) => best(plain.chances(opinion, i)));
  const seenLabels = swappedPlain(told, 1);
  const both = [...labelled, ...swappedPlain(unlabelled, CHANNELS)];
  const doubted = plain.pass(teacher, both, filter === "train");
  const { logits: doubts } = doubted;
  const entropy = all.map((i) =>
    -plain.chances(doubts, PIXELS + i).reduce((sum, p) => sum + p * Math.log(p), 0)
  );
  const bound = percentile(entropy, PERCENT / 100);
  const sure = seenLabels.map((label, i) => at(entropy, i) < bound ? label : IGNORED);
  const passed = plain.pass(student, both, true);
  const slope: number[] = Array(2 * PIXELS * CLASSES).fill(0);
  plain.addSlope(slope, passed.logits, 0, labels, 1 / valid(labels));
  const n = valid(sure);
  plain.addSlope(slope, passed.logits, PIXELS, sure, WEIGHT * PIXELS / n / n);
  const gradient = plain.noGradient();
  plain.descendInto(gradient, student, passed, slope);
  if (memory === null) return gradient;
  const evaluation = memory.evaluations++;
  const view = {
    small: [2 * B, H, W],
    large: [H, W],
    ...{ known: B, logits: doubts, entropy },
    representation: plain.affine(teacher, doubted),
    labels: [...labels, ...seenLabels],
    schedule: memory.scheduleAt(evaluation),
  } as const;
  const own = plain.affine(student, passed);
  const key = { seed: SEED, evaluation };
  const contrast = plainContrast(view, own, memory.past, CONTRAST, key);
  memory.next = contrast.next;
  const scaled = contrast.slope.map((one) => CONTRAST.weight * one);
  plain.descendAffine(gradient, passed, scaled);
  return gradient;
};

const LAMBDA = { strong: 0.6, features: 0.3 };

const plainWeakToStrong: PlainObjective = (
  student,
  teacher,
  { labelled, labels, unlabelled },
) => {
  plain.put(teacher, student, plain.BUFFERS);
  const { logits: opinion } = plain.pass(teacher, unlabelled, false);
  const told = all.map((i) => {
    const p = plain.chances(opinion, i);
    return Math.max(...p) >= THRESHOLD ? best(p) : IGNORED;
  });
  const total = 1 + LAMBDA.strong + LAMBDA.features;
  const gradient = plain.noGradient();
  const weak = plain.pass(student, [...labelled, ...unlabelled], true);
  const slope: number[] = Array(2 * PIXELS * CLASSES).fill(0);
  plain.addSlope(slope, weak.logits, 0, labels, 1 / valid(labels) / total);
  plain.addSlope(slope, weak.logits, PIXELS, told, LAMBDA.features / PIXELS / total);
  plain.descendInto(gradient, student, weak, slope);
  // The first view swaps halves, the second one is the image itself.
  const views = [...swappedPlain(unlabelled, CHANNELS), ...unlabelled];
  const strong = plain.pass(student, views, true);
  const about = [...swappedPlain(told, 1), ...told];
  const strongSlope: number[] = Array(2 * PIXELS * CLASSES).fill(0);
  const factor = LAMBDA.strong / (2 * PIXELS) / total;
  plain.addSlope(strongSlope, strong.logits, 0, about, factor);
  plain.descendInto(gradient, student, strong, strongSlope);
  return gradient;
};

interface PlainLearner {
  readonly student: Plain;
  readonly teacher: Plain;
  readonly velocity: Gradient;
}

/** One iteration, from fst's published loop and its two switches. */
function plainIteration(
  { student, teacher, velocity }: PlainLearner,
  batch: PlainBatch,
  t: number,
  objective: PlainObjective,
  { depth, published }: { depth: number; published: boolean },
  memory: PlainMemory | null,
): void {
  const m = Math.min(1 - 1 / (t + 1), 0.99);
  if (published || t === 0) plain.mingle(teacher, student, m);
  const future = plain.copyOf(student);
  const own = published ? velocity : structuredClone(velocity);
  for (let k = 0; k < depth; k++) {
    plain.descend(future, own, objective(future, teacher, batch), SGD);
    plain.mingle(teacher, future, m);
  }
  if (published) plain.put(student, future, plain.BUFFERS);
  plain.descend(student, velocity, objective(student, teacher, batch), SGD);
  if (memory !== null) memory.past = memory.next;
  plain.mingle(teacher, student, m);
}

const upload = (weights: Plain): Weights =>
  new Map(plain.names.map((name) => {
    const { shape } = parameters.find((one) => one.name === NAMES[name]) ?? assert.fail();
    return [NAMES[name], tf.tensor(weights[name], [...shape])];
  }));

const SOUND: LookAhead = {
  depth: DEPTH,
  width: 1,
  momentum: 0.99,
  optimizerState: "restore",
  buffers: "restore",
  teacherClock: "iteration",
  presentStudent: "after",
  lateMomentum: "this",
  firstIteration: "lookahead",
};
const LOOK_AHEADS: Readonly<Record<string, LookAhead>> = {
  "without a look-ahead": { ...SOUND, depth: 0 },
  "at depth 3": SOUND,
  "at depth 3 as published": {
    ...SOUND,
    optimizerState: "carry",
    buffers: "carry",
    presentStudent: "both",
  },
};

const common = {
  ...{ network, seed: SEED, criterion: validCrossEntropy },
  ...{ ignorePadding: false, compared: false },
};
const meanTeacherWith = (filterTeacher: "train" | "eval", compared = false) =>
  meanTeacher({
    ...common,
    perturb: view,
    percent: () => PERCENT,
    ...{ filterTeacher, weight: WEIGHT, compared },
  });
const scheduleAt = (depth: number) => (evaluation: number) => {
  const t = Math.floor(evaluation / (depth + 1));
  return [0.3 - 0.07 * t, t < 2 ? 0 : 1 - 1 / t] as const;
};
const contrastWith = (depth: number, memory: ContrastMemory) =>
  meanTeacher({
    ...common,
    ...{ perturb: view, percent: () => PERCENT, filterTeacher: "train", weight: WEIGHT },
    contrast: {
      ...CONTRAST,
      memory,
      schedule: (_batch, evaluation) => tf.tensor1d([...scheduleAt(depth)(evaluation)]),
    },
  });
const RULES: Readonly<Record<string, readonly [() => Objective, PlainObjective]>> = {
  "mean teacher": [() => meanTeacherWith("train"), plainMeanTeacher("train")],
  "mean teacher that is unsure as in evaluation": [
    () => meanTeacherWith("eval"),
    plainMeanTeacher("eval"),
  ],
  "weak to strong": [
    () =>
      weakToStrong({
        ...common,
        threshold: THRESHOLD,
        strongWeight: LAMBDA.strong,
        featureWeight: LAMBDA.features,
        featureDropout: 0,
        view: (input, _batch, _evaluation, which) =>
          which === 0 ? view(input) : {
            images: tf.clone(input.images),
            labels: tf.clone(input.labels),
          },
      }),
    plainWeakToStrong,
  ],
};

function startLearner(): Learner {
  return {
    student: upload(start()),
    teacher: upload(start()),
    moments: { steps: 0, first: zerosLike(parameters), second: new Map() },
    evaluations: 0,
  };
}

const recipeOf = (objective: Objective) => ({
  parameters,
  ...objective,
  descend: (...[weights, moments, gradient]: [Weights, Learner["moments"], Weights]) =>
    sgdStep(parameters, weights, moments, gradient, SGD.rate, {
      momentum: SGD.momentum,
      weightDecay: SGD.decay,
      headFactor: 10,
    }),
});

function releaseLearner({ student, teacher, moments }: Learner): void {
  [student, teacher ?? assert.fail(), moments.first].forEach(releaseWeights);
}

/** Takes iterations, and compares student, teacher and velocity after each. */
async function assertSame(
  objective: Objective,
  byHand: PlainObjective,
  lookAhead: LookAhead,
  memory: PlainMemory | null = null,
): Promise<void> {
  const learner = startLearner();
  const expected: PlainLearner = {
    student: start(),
    teacher: start(),
    velocity: plain.noGradient(),
  };
  const slots = futureSlots(learner, lookAhead);
  const recipe = recipeOf(objective);
  for (let t = 0; t < ITERATIONS; t++) {
    const batch = uploadBatch(hostOf(batchAt(t)));
    const { numTensors, numBytes } = tf.memory();
    const losses = futureSelfTraining(learner, slots, [batch], t, lookAhead, recipe);
    assert.equal(losses.has("contrast"), memory !== null);
    releaseLosses(losses);
    assert.equal(tf.memory().numTensors, numTensors, "an iteration keeps no tensor");
    assert.equal(tf.memory().numBytes, numBytes, "an iteration keeps no bytes");
    releaseBatch(batch);
    const published = lookAhead.presentStudent === "both";
    const { depth } = lookAhead;
    plainIteration(expected, batchAt(t), t, byHand, { depth, published }, memory);
    for (const name of plain.names) {
      for (const who of ["student", "teacher"] as const) {
        const value = learner[who]?.get(NAMES[name]) ?? assert.fail();
        const what = `${name} of the ${who} after iteration ${t}`;
        await assertClose(value, expected[who][name], 2e-4, what);
      }
    }
    for (const name of plain.TRAINED_NAMES) {
      const value = learner.moments.first.get(NAMES[name]) ?? assert.fail();
      await assertClose(value, expected.velocity[name], 1e-3, `velocity of ${name}`);
    }
  }
  releaseSlots(slots);
  releaseLearner(learner);
}

for (const [how, lookAhead] of Object.entries(LOOK_AHEADS)) {
  for (const [rule, [build, byHand]] of Object.entries(RULES)) {
    onEachBackend(
      `${rule} ${how} is what plain numbers say`,
      () => assertSame(build(), byHand, lookAhead),
    );
  }

  onEachBackend(
    `mean teacher with a contrast ${how} is what plain numbers say`,
    async () => {
      const weights = initialWeights(contrastParameters(CONTRAST), 0);
      const memory = contrastMemory(weights, CONTRAST);
      const past = emptyPast(CONTRAST);
      const { depth } = lookAhead;
      const byHand: PlainMemory = {
        ...{ past, next: past, evaluations: 0, scheduleAt: scheduleAt(depth) },
      };
      const objective = plainMeanTeacher("train", byHand);
      await assertSame(contrastWith(depth, memory), objective, lookAhead, byHand);
      const [, , filled = []] = byHand.past.map(({ bank }) => bank);
      assert.equal(filled.length, CONTRAST.entriesPerClass);
      memory.release();
      releaseWeights(weights);
    },
  );
}

onEachBackend(
  "an adaptive depth stops at the agreement, and changes nothing else",
  async () => {
    const run = async (agreement: number | null, depth: number) => {
      const learner = startLearner();
      const lookAhead = { ...SOUND, depth, agreement };
      const slots = futureSlots(learner, lookAhead);
      const recipe = recipeOf(meanTeacherWith("train", agreement !== null));
      const evaluations: number[] = [];
      for (let t = 0; t < ITERATIONS; t++) {
        const batch = uploadBatch(hostOf(batchAt(t)));
        const before = [learner.evaluations, tf.memory().numTensors] as const;
        releaseLosses(
          await adaptiveFutureSelfTraining(learner, slots, [batch], t, lookAhead, recipe),
        );
        evaluations.push(learner.evaluations - before[0]);
        assert.equal(tf.memory().numTensors, before[1]);
        releaseBatch(batch);
      }
      const bits: number[] = [];
      for (const name of plain.names) {
        bits.push(...await readBack(learner.teacher?.get(NAMES[name]) ?? assert.fail()));
      }
      releaseSlots(slots);
      releaseLearner(learner);
      return { evaluations, bits };
    };
    // No two opinions agree on more than all pixels, and all agree on more than none.
    assert.deepEqual(await run(1, 3), await run(null, 3));
    assert.deepEqual(await run(-1, 3), await run(null, 1));
  },
);

onEachBackend("an adaptive depth is refused where nothing can be read", () => {
  const learner = startLearner();
  const lookAhead = { ...SOUND, agreement: 0.9 };
  const slots = futureSlots(learner, lookAhead);
  const recipe = recipeOf(meanTeacherWith("train", true));
  const batch = uploadBatch(hostOf(batchAt(0)));
  assert.throws(
    () => futureSelfTraining(learner, slots, [batch], 0, lookAhead, recipe),
    { name: "TypeError", message: /^Cannot look ahead at once: / },
  );
  releaseBatch(batch);
  releaseSlots(slots);
  releaseLearner(learner);
});
