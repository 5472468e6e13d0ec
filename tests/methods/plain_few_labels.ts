/** The rules for few labels over plain double-precision numbers. @module */
import {
  percentile,
  plainContrast,
  type PlainPast,
} from "../objectives/plain_contrast.ts";
import { at, CHANNELS, CLASSES, IGNORED, type Plain } from "./plain_network.ts";
import {
  B,
  H,
  PIXELS,
  type PlainBatch,
  SEED,
  swappedPlain,
  W,
} from "./few_labels_network.ts";
import * as plain from "./plain_network.ts";

export const PERCENT = 80;
export const THRESHOLD = 0.4;
export const WEIGHT = 0.7;
export const SGD = { rate: 0.05, momentum: 0.9, decay: 0.01 };
// So small that the banks are full after three iterations.
export const CONTRAST = {
  ...{ classes: CLASSES, channels: CHANNELS, weight: 0.4, queries: 5, negatives: 4 },
  ...{ temperature: 0.5, minimumProbability: 0.3 },
  ranks: [1, 3],
  ...{ entriesPerClass: 8, newPerIteration: 3 },
} as const;

type Gradient = ReturnType<typeof plain.noGradient>;
export type PlainObjective = (
  student: Plain,
  teacher: Plain,
  batch: PlainBatch,
) => Gradient;

/** The contrast of a run: what it remembers, and how many evaluations there were. */
export interface PlainMemory {
  past: readonly PlainPast[];
  /** What the last evaluation would remember. */
  next: readonly PlainPast[];
  evaluations: number;
  scheduleAt(evaluation: number): readonly [number, number];
}

const best = (p: readonly number[]) => p.indexOf(Math.max(...p));
export const all = Array.from({ length: PIXELS }, (_, i) => i);
const valid = (labels: readonly number[]) =>
  labels.filter((label) => label !== IGNORED).length;

export const plainMeanTeacher = (
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

export const LAMBDA = { strong: 0.6, features: 0.3 };

export const plainWeakToStrong: PlainObjective = (
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

export interface PlainLearner {
  readonly student: Plain;
  readonly teacher: Plain;
  readonly velocity: Gradient;
}

/** One iteration, from fst's published loop and its two switches. */
export function plainIteration(
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
