/**
 * The learning rules for few labels and many images without, and the look-ahead that can be
 * laid on any of them.
 *
 * @module
 */

import { z } from "../core/zod.ts";

/**
 * Future self-training of the rule around it. Du et al., "Learning from Future", NeurIPS
 * 2022.
 *
 * The published code is `optimizerState: carry`, `buffers: carry`, `presentStudent: both`.
 */
export interface LookAheadConfig {
  /**
   * K virtual steps, one after another; at most so many with `agreement`. An iteration
   * costs K·N + 1 evaluations.
   */
  readonly depth: number;
  /** N futures that are averaged at each depth; 1: the iteration's own batch only. */
  readonly width: number;
  /**
   * No further virtual step once this share of the pseudo-labels stays as it was; null:
   * always `depth` steps. It needs a look at the device, so iterations are not replayed.
   */
  readonly agreement: number | null;
  /** Whether virtual steps leave the optimizer's buffers and step count as they were. */
  readonly optimizerState: "restore" | "carry";
  /** Whether virtual steps leave the student's batch-norm statistics as they were. */
  readonly buffers: "restore" | "carry";
  /** The present student enters the teacher after its step, or again before the next. */
  readonly presentStudent: "after" | "both";
}

/** The moving average of students, which gives the labels and is what is measured. */
export interface SemiTeacherConfig {
  /**
   * The share of itself that it keeps at every update; at most 1 − 1/(i + 1) in the i-th
   * iteration in which it has a say.
   */
  readonly momentum: number;
  /**
   * Iterations at the beginning of its say in which it is the student, whatever is
   * averaged; published is an epoch of them.
   */
  readonly sharedIterations: number;
}

/** Cross entropy over labelled pixels. */
export interface CrossEntropyConfig {
  /** Which criterion it is. */
  readonly name: "cross-entropy";
}

/** Cross entropy over the hardest pixels (online hard example mining). */
export interface HardExampleConfig {
  /** Which criterion it is. */
  readonly name: "ohem";
  /** Pixels whose true class is at most this probable are always kept. */
  readonly threshold: number;
  /** At least so many pixels of a batch are kept. */
  readonly minimumKept: number;
}

/** What both rules have in common. */
export interface SemiSupervised {
  /** Lays future self-training on the rule; null: off. */
  readonly lookAhead: LookAheadConfig | null;
  /** Gives the labels. */
  readonly teacher: SemiTeacherConfig;
  /** How labelled pixels are judged. */
  readonly criterion: CrossEntropyConfig | HardExampleConfig;
  /** Iterations at the beginning of the run that look at labelled images only. */
  readonly supervisedIterations: number;
}

/** What the student sees in place of an image without a label. */
export interface PerturbationConfig {
  /** "cutmix" and "classmix" paste from the next image of the batch. */
  readonly name: "none" | "cutout" | "cutmix" | "classmix";
  /** Share of evaluations of the loss in which it happens, to the whole batch. */
  readonly probability: number;
}

/** Which pseudo-labels count. */
export interface EntropyFilterConfig {
  /** This percentage of them stays, the surest; at 100 all but the least sure. */
  readonly percent: number;
  /** Begins at 100 and falls to `percent` over the run, as in U2PL. */
  readonly annealed: boolean;
  /**
   * How the teacher judges how sure it is: as in training, with dropout and statistics of
   * the batch, or as in evaluation. In the latter case it has the student's statistics.
   */
  readonly teacher: "train" | "eval";
}

/**
 * Draws sure pixels to the mean of their class and away from pixels that the teacher may
 * confuse with it, of this batch and of past ones. Wang et al., "U2PL", CVPR 2022.
 */
export interface ContrastConfig {
  /** Factor of its loss. */
  readonly weight: number;
  /** Sure pixels per class that are compared, drawn with replacement. */
  readonly queries: number;
  /** Pixels that each of them is compared with. */
  readonly negatives: number;
  /** Cosines are divided by it. */
  readonly temperature: number;
  /**
   * Negatives of a class are labelled pixels of another one for which it is among so many
   * most probable classes, and unsure pixels for which it is behind them and among so many.
   */
  readonly ranks: readonly [number, number];
  /** Sure pixels are compared if their label is more probable than this. */
  readonly minimumProbability: number;
  /**
   * This percentage of pseudo-labelled pixels is sure, and as many are unsure; falls to 0
   * over the run.
   */
  readonly percent: number;
  /** The share of itself that the mean of a class keeps; grows to this as 1 − 1/t. */
  readonly prototypeMomentum: number;
  /**
   * Past negatives. They take 4 bytes × classes × entries × channels on the device: 43 MB
   * for 21 classes, 2000 entries and 256 channels. Published are 30000 entries and 50000
   * for class 0, 666 MB.
   */
  readonly bank: {
    /** The newest so many stay. */
    readonly entriesPerClass: number;
    /** At most so many enter in an iteration, drawn if there are more; published: all. */
    readonly newPerIteration: number;
  };
}

/**
 * Labels from a mean teacher, without the unsure ones. Wang et al., "U2PL", CVPR 2022, as
 * in the semi-supervised branch of FST.
 */
export interface MeanTeacherConfig extends SemiSupervised {
  /** Which rule it is. */
  readonly name: "mean-teacher";
  /** Between the teacher's image and the student's. */
  readonly perturbation: PerturbationConfig;
  /** Which pseudo-labels count. */
  readonly entropyFilter: EntropyFilterConfig;
  /** Factor of the loss on images without labels. */
  readonly weight: number;
  /** Needs a decoder with a representation of every pixel; null: off. */
  readonly contrast: ContrastConfig | null;
}

/**
 * Labels from a weak view for two strong views and one with dropped features. Yang et al.,
 * "UniMatch", CVPR 2023.
 */
export interface WeakToStrongConfig extends SemiSupervised {
  /** Which rule it is. */
  readonly name: "weak-to-strong";
  /** Pseudo-labels less probable than this do not count. */
  readonly threshold: number;
  /** What makes a view strong. */
  readonly views: {
    /** Largest change of brightness, contrast and saturation; half of it for hue. */
    readonly jitterStrength: number;
    /** Share of images with jitter. */
    readonly jitterProbability: number;
    /** Share of images with blur. */
    readonly blurProbability: number;
    /** Share of images with a box of the next image of the batch. */
    readonly cutmixProbability: number;
  };
  /** Factor of the mean loss of both strong views. */
  readonly strongWeight: number;
  /** Factor of the loss with dropped features; 0: not computed. */
  readonly featureWeight: number;
  /** Share of feature channels that are dropped for it. */
  readonly featureDropout: number;
}

/** A rule for few labels and many images without. */
export type SemiConfig = MeanTeacherConfig | WeakToStrongConfig;

const share = z.number().gte(0).lte(1);
const weight = z.number().nonnegative();

const semi = {
  lookAhead: z.strictObject({
    depth: z.int().positive().default(3),
    width: z.int().positive().default(1),
    agreement: z.number().gt(0).lte(1).nullable().default(null),
    optimizerState: z.enum(["restore", "carry"]).default("restore"),
    buffers: z.enum(["restore", "carry"]).default("restore"),
    presentStudent: z.enum(["after", "both"]).default("after"),
  }).superRefine(({ width, agreement }, context) => {
    if (agreement === null || width === 1) return;
    const message = "is for one future: set the width to 1, or this to null";
    context.addIssue({ code: "custom", path: ["agreement"], message });
  }).nullable().default(null),
  teacher: z.strictObject({
    momentum: z.number().gte(0).lt(1).default(0.99),
    sharedIterations: z.int().nonnegative().default(0),
  }).prefault({}),
  criterion: z.discriminatedUnion("name", [
    z.strictObject({ name: z.literal("cross-entropy") }),
    z.strictObject({
      name: z.literal("ohem"),
      threshold: share.default(0.7),
      minimumKept: z.int().positive().default(100_000),
    }),
  ]).prefault({ name: "cross-entropy" }),
  supervisedIterations: z.int().nonnegative().default(0),
};

const contrast = z.strictObject({
  weight: weight.default(1),
  queries: z.int().positive().default(256),
  negatives: z.int().positive().default(50),
  temperature: z.number().gte(0.05).default(0.5),
  ranks: z.tuple([z.int().nonnegative(), z.int().positive()]).default([3, 20]),
  minimumProbability: share.default(0.3),
  percent: z.number().gt(0).lte(50).default(20),
  prototypeMomentum: z.number().gte(0).lt(1).default(0.999),
  bank: z.strictObject({
    entriesPerClass: z.int().positive().lte(1e6).default(2000),
    newPerIteration: z.int().positive().default(200),
  }).prefault({}),
}).superRefine(({ ranks: [low, high], bank }, context) => {
  const report = (path: string[], message: string) =>
    context.addIssue({ code: "custom", path, message });
  if (low > high) report(["ranks"], `must ascend: received ${low}, ${high}`);
  const { entriesPerClass: all, newPerIteration: most } = bank;
  if (most <= all) return;
  report(
    ["bank", "newPerIteration"],
    `must be at most "entriesPerClass", ${all}: received ${most}`,
  );
});

/** Limits and defaults of {@linkcode MeanTeacherConfig}. */
export const MeanTeacher = z.strictObject({
  name: z.literal("mean-teacher"),
  ...semi,
  perturbation: z.strictObject({
    name: z.enum(["none", "cutout", "cutmix", "classmix"]).default("none"),
    probability: share.default(0.5),
  }).prefault({}),
  entropyFilter: z.strictObject({
    percent: z.number().gt(0).lte(100).default(100),
    annealed: z.boolean().default(false),
    teacher: z.enum(["train", "eval"]).default("train"),
  }).prefault({}),
  weight: weight.default(1),
  contrast: contrast.nullable().default(null),
});

/** Limits and defaults of {@linkcode WeakToStrongConfig}. */
export const WeakToStrong = z.strictObject({
  name: z.literal("weak-to-strong"),
  ...semi,
  threshold: share.default(0.95),
  views: z.strictObject({
    jitterStrength: share.default(0.5),
    jitterProbability: share.default(0.8),
    blurProbability: share.default(0.5),
    cutmixProbability: share.default(0.5),
  }).prefault({}),
  strongWeight: weight.default(0.5),
  featureWeight: weight.default(0.5),
  featureDropout: z.number().gte(0).lt(1).default(0.5),
});
