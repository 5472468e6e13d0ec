/** Reference of the semi-supervised methods in double precision. @module */
import {
  percentile,
  referenceContrast,
  type ReferenceMemory,
} from "../objectives/reference_contrast.ts";
import {
  at,
  CHANNELS,
  CLASSES,
  IGNORED,
  type ReferenceWeights,
} from "./reference_network.ts";
import {
  B,
  H,
  PIXELS,
  type ReferenceBatch,
  referenceSwapHalves,
  SEED,
  W,
} from "./semi_supervised_network.ts";
import * as reference from "./reference_network.ts";

export const KEPT_PERCENT = 80;
export const CONFIDENCE_THRESHOLD = 0.4;
export const UNSUPERVISED_WEIGHT = 0.7;
export const SGD = { learningRate: 0.05, momentum: 0.9, weightDecay: 0.01 };
// Small enough that the banks are full after three iterations.
export const CONTRAST = {
  ...{
    classCount: CLASSES,
    channels: CHANNELS,
    lossWeight: 0.4,
    numQueries: 5,
    numNegatives: 4,
  },
  ...{ temperature: 0.5, currentClassThreshold: 0.3 },
  ranks: [1, 3],
  ...{ queueSize: 8, maxEnqueued: 3 },
} as const;

type Gradient = ReturnType<typeof reference.zeroGradient>;
export type ReferenceObjective = (
  student: ReferenceWeights,
  teacher: ReferenceWeights,
  batch: ReferenceBatch,
) => Gradient;

/** The contrast memory of a run and its number of forward passes. */
export interface ReferenceContrastState {
  memory: readonly ReferenceMemory[];
  /** The memory after the last forward pass. */
  nextMemory: readonly ReferenceMemory[];
  forwardCount: number;
  scheduleAt(forwardIndex: number): readonly [number, number];
}

const argmax = (p: readonly number[]) => p.indexOf(Math.max(...p));
export const pixelIndices = Array.from({ length: PIXELS }, (_, i) => i);
const countValid = (labels: readonly number[]) =>
  labels.filter((label) => label !== IGNORED).length;

export const referenceMeanTeacher = (
  filterMode: "train" | "eval",
  contrastState: ReferenceContrastState | null = null,
): ReferenceObjective =>
(
  student,
  teacher,
  { labeled, labels, unlabeled },
) => {
  if (filterMode === "eval") reference.copyInto(teacher, student, reference.BUFFERS);
  const { logits: teacherLogits } = reference.forward(teacher, unlabeled, false);
  const pseudoLabels = pixelIndices.map((i) =>
    argmax(reference.probabilities(teacherLogits, i))
  );
  const viewLabels = referenceSwapHalves(pseudoLabels, 1);
  const images = [...labeled, ...referenceSwapHalves(unlabeled, CHANNELS)];
  const filterOutput = reference.forward(teacher, images, filterMode === "train");
  const { logits: filterLogits } = filterOutput;
  const entropy = pixelIndices.map((i) =>
    -reference.probabilities(filterLogits, PIXELS + i).reduce(
      (sum, p) => sum + p * Math.log(p),
      0,
    )
  );
  const bound = percentile(entropy, KEPT_PERCENT / 100);
  const confidentLabels = viewLabels.map((label, i) =>
    at(entropy, i) < bound ? label : IGNORED
  );
  const output = reference.forward(student, images, true);
  const logitsGradient: number[] = Array(2 * PIXELS * CLASSES).fill(0);
  reference.addCrossEntropyGradient(
    logitsGradient,
    output.logits,
    0,
    labels,
    1 / countValid(labels),
  );
  const n = countValid(confidentLabels);
  reference.addCrossEntropyGradient(
    logitsGradient,
    output.logits,
    PIXELS,
    confidentLabels,
    UNSUPERVISED_WEIGHT * PIXELS / n / n,
  );
  const gradient = reference.zeroGradient();
  reference.backpropagateLogits(gradient, student, output, logitsGradient);
  if (contrastState === null) return gradient;
  const forwardIndex = contrastState.forwardCount++;
  const inputs = {
    mapSize: [2 * B, H, W],
    labelSize: [H, W],
    ...{ labeledCount: B, logits: filterLogits, entropy },
    representation: reference.classifierInput(teacher, filterOutput),
    labels: [...labels, ...viewLabels],
    schedule: contrastState.scheduleAt(forwardIndex),
  } as const;
  const representation = reference.classifierInput(student, output);
  const key = { seed: SEED, forwardIndex };
  const contrast = referenceContrast(
    inputs,
    representation,
    contrastState.memory,
    CONTRAST,
    key,
  );
  contrastState.nextMemory = contrast.nextMemory;
  const scaled = contrast.gradient.map((value) => CONTRAST.lossWeight * value);
  reference.backpropagateClassifierInput(gradient, output, scaled);
  return gradient;
};

export const LOSS_WEIGHTS = { strong: 0.6, features: 0.3 };

export const referenceWeakToStrong: ReferenceObjective = (
  student,
  teacher,
  { labeled, labels, unlabeled },
) => {
  reference.copyInto(teacher, student, reference.BUFFERS);
  const { logits: teacherLogits } = reference.forward(teacher, unlabeled, false);
  const pseudoLabels = pixelIndices.map((i) => {
    const p = reference.probabilities(teacherLogits, i);
    return Math.max(...p) >= CONFIDENCE_THRESHOLD ? argmax(p) : IGNORED;
  });
  const weightSum = 1 + LOSS_WEIGHTS.strong + LOSS_WEIGHTS.features;
  const gradient = reference.zeroGradient();
  const weak = reference.forward(student, [...labeled, ...unlabeled], true);
  const logitsGradient: number[] = Array(2 * PIXELS * CLASSES).fill(0);
  reference.addCrossEntropyGradient(
    logitsGradient,
    weak.logits,
    0,
    labels,
    1 / countValid(labels) / weightSum,
  );
  reference.addCrossEntropyGradient(
    logitsGradient,
    weak.logits,
    PIXELS,
    pseudoLabels,
    LOSS_WEIGHTS.features / PIXELS / weightSum,
  );
  reference.backpropagateLogits(gradient, student, weak, logitsGradient);
  // The first view swaps halves, the second view is the image itself.
  const views = [...referenceSwapHalves(unlabeled, CHANNELS), ...unlabeled];
  const strong = reference.forward(student, views, true);
  const viewLabels = [...referenceSwapHalves(pseudoLabels, 1), ...pseudoLabels];
  const strongGradient: number[] = Array(2 * PIXELS * CLASSES).fill(0);
  const factor = LOSS_WEIGHTS.strong / (2 * PIXELS) / weightSum;
  reference.addCrossEntropyGradient(strongGradient, strong.logits, 0, viewLabels, factor);
  reference.backpropagateLogits(gradient, student, strong, strongGradient);
  return gradient;
};

export interface ReferenceLearner {
  readonly student: ReferenceWeights;
  readonly teacher: ReferenceWeights;
  readonly velocity: Gradient;
}

/** One iteration of the published FST loop with its two switches. */
export function referenceIteration(
  { student, teacher, velocity }: ReferenceLearner,
  batch: ReferenceBatch,
  t: number,
  objective: ReferenceObjective,
  { depth, asPublished }: { depth: number; asPublished: boolean },
  contrastState: ReferenceContrastState | null,
): void {
  const decay = Math.min(1 - 1 / (t + 1), 0.99);
  if (asPublished || t === 0) reference.emaUpdate(teacher, student, decay);
  const future = reference.cloneWeights(student);
  const futureVelocity = asPublished ? velocity : structuredClone(velocity);
  for (let k = 0; k < depth; k++) {
    reference.sgdStep(future, futureVelocity, objective(future, teacher, batch), SGD);
    reference.emaUpdate(teacher, future, decay);
  }
  if (asPublished) reference.copyInto(student, future, reference.BUFFERS);
  reference.sgdStep(student, velocity, objective(student, teacher, batch), SGD);
  if (contrastState !== null) contrastState.memory = contrastState.nextMemory;
  reference.emaUpdate(teacher, student, decay);
}
