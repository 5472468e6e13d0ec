/** The learning rule of a run and its switches. @module */

import * as z from "../core/zod.ts";
import { type CriterionConfig, CriterionSchema } from "./criterion.ts";
import { fraction, fractionBelowOne, nonNegative, positiveInt } from "./ranges.ts";

/**
 * Future self-training, around any rule with a teacher. Du et al., "Learning from Future",
 * NeurIPS 2022. An iteration costs K·N + 1 loss evaluations.
 *
 * The defaults are what the paper states. The published code is, for domain adaptation,
 * `optimizerState: carry`, `buffers: carry`, `emaStep: forward`, `firstIteration: plain` and
 * `mixing.classesFrom: batch`, with `emaTiming: after` where it averages futures; and for
 * semi-supervised learning `optimizerState: carry`, `buffers: carry`, `emaTiming: both`.
 */
export interface LookAheadConfig {
  /** K virtual steps, one after another; at most so many with `agreement`. */
  readonly depth: number;
  /**
   * N futures that are averaged at each depth; 1: the iteration's own batch only. The
   * paper's FST-W has `depth: 1`.
   */
  readonly width: number;
  /**
   * No further virtual step once more than this share of the pseudo-labels stays the same;
   * null: always `depth` steps. The share is read back from the device at every virtual
   * step, so such iterations are not replayed.
   */
  readonly agreement: number | null;
  /** Whether virtual steps leave the optimizer's moments and step count as they were. */
  readonly optimizerState: "restore" | "carry";
  /** Whether virtual steps leave the student's batch-norm statistics as they were. */
  readonly buffers: "restore" | "carry";
  /**
   * The teacher's warm-up counts iterations, or every forward pass of the loss.
   * "self-training" only.
   */
  readonly emaStep: "iteration" | "forward";
  /**
   * When the present student enters the teacher's moving average: before the look-ahead,
   * after the real step, or both.
   */
  readonly emaTiming: "before" | "after" | "both";
  /** The first iteration looks ahead as well, or is a plain step. "self-training" only. */
  readonly firstIteration: "lookahead" | "plain";
  /**
   * What is the same in several forward passes of an iteration is computed once: no result
   * depends on it, only time and the memory of one gradient. Frozen features always are;
   * the source loss of the first virtual step and the real one is where nothing is dropped
   * in the network, or both drop the same. Semi-supervised losses have nothing to reuse.
   */
  readonly reuse: boolean;
  /**
   * On the source, the first virtual step and the real one drop the same channels and
   * paths. Results depend on it. "self-training" only.
   */
  readonly shareDropout: boolean;
}

/** The moving average (EMA) of students. */
export interface TeacherConfig {
  /** The share of itself that it keeps at every update, after its warm-up. */
  readonly emaDecay: number;
}

/** The moving average (EMA) of students, which gives the labels and is what is evaluated. */
export interface SemiSupervisedTeacherConfig extends TeacherConfig {
  /**
   * Iterations after the supervised ones in which it is a copy of the student, whatever is
   * averaged; published is an epoch of them.
   */
  readonly copyIterations: number;
}

/** How the teacher's pseudo-labels are weighted. */
export interface PseudoLabelConfig {
  /**
   * Confidence threshold: the share of pixels that reach it weights the loss of the whole
   * batch, as in DACS and DAFormer.
   */
  readonly threshold: number;
  /** Rows at the top of a crop without weight, in pixels. */
  readonly ignoreTop: number;
  /** Rows at the bottom of a crop without weight, in pixels. */
  readonly ignoreBottom: number;
  /**
   * Edges of the images without weight, wherever crops show them, in pixels of the scaled
   * image; null: none. Nor has the padding of small images any then. As in HRDA, where
   * `ignoreTop` and `ignoreBottom` are 0.
   */
  readonly margins: MarginsConfig | null;
}

/** Sizes of the edges of an image in pixels. */
export interface MarginsConfig {
  /** Rows. */
  readonly top: number;
  /** Rows. */
  readonly bottom: number;
  /** Columns; the right ones of a mirrored image. */
  readonly left: number;
  /** Columns. */
  readonly right: number;
}

/** DACS: half of the source's classes are pasted over the target, then augmented. */
export interface MixingConfig {
  /** Largest change of brightness, contrast, saturation and hue. */
  readonly colorJitterStrength: number;
  /** Probability of color jitter in a forward pass. */
  readonly colorJitterProbability: number;
  /** Probability of blur in a forward pass. */
  readonly blurProbability: number;
  /** Classes to paste are chosen from those of the image, or of the whole batch. */
  readonly classesFrom: "image" | "batch";
}

/** Keeps features near those of the pretrained encoder. DAFormer, section 3.3. */
export interface FeatureDistanceConfig {
  /** Factor of the distance in the loss. */
  readonly lossWeight: number;
  /** Names or ids of the classes it applies to; null: everywhere. */
  readonly classes: readonly (string | number)[] | null;
  /** A coarse cell belongs to a class that holds at least this share of it. */
  readonly scaleMinRatio: number;
}

/**
 * The student learns the same labels from images of which square patches are masked: one
 * more forward and backward pass per loss evaluation. Hoyer et al., "MIC", CVPR 2023. The
 * defaults are the published ones.
 */
export interface MaskedConsistencyConfig {
  /**
   * Side of a patch, in pixels; null: a sixteenth of the shorter side of the crop, which is
   * the published 32 of 512 and 64 of 1024.
   */
  readonly blockSize: number | null;
  /** The share of patches that are masked. */
  readonly ratio: number;
  /** Factor of the loss on masked images. */
  readonly lossWeight: number;
  /** Largest change of brightness, contrast, saturation and hue. */
  readonly colorJitterStrength: number;
  /** Probability of color jitter in a forward pass. */
  readonly colorJitterProbability: number;
  /** Probability of blur in a forward pass. */
  readonly blurProbability: number;
}

/** What every rule has. */
export interface LabeledMethodConfig {
  /** The loss of labeled pixels: one, or a list of those that are summed up. */
  readonly criterion: CriterionConfig;
}

/** Learning from the source alone. */
export interface SupervisedConfig extends LabeledMethodConfig {
  /** Which rule it is. */
  readonly name: "supervised";
}

/** Learning from the source alone, with a teacher that follows. */
export interface SourceOnlyConfig extends LabeledMethodConfig {
  /** Which rule it is. */
  readonly name: "source-only";
  /** The EMA of the student: it is saved and evaluated, and gives no labels. */
  readonly teacher: TeacherConfig;
}

/** Learning from the labels that a teacher gives to the target. DACS, DAFormer. */
export interface SelfTrainingConfig extends LabeledMethodConfig {
  /** Which rule it is. */
  readonly name: "self-training";
  /** Future self-training; null: plain self-training. */
  readonly lookAhead: LookAheadConfig | null;
  /** Gives the labels. */
  readonly teacher: TeacherConfig;
  /** How these labels are weighted. */
  readonly pseudoLabel: PseudoLabelConfig;
  /** What images the student sees with them. */
  readonly mixing: MixingConfig;
  /** Null: off. */
  readonly featureDistance: FeatureDistanceConfig | null;
  /** Masked images of the target, too; null: off. */
  readonly maskedConsistency: MaskedConsistencyConfig | null;
}

/** What both semi-supervised rules have in common. */
export interface SemiSupervisedCommonConfig extends LabeledMethodConfig {
  /** Future self-training; null: off. */
  readonly lookAhead: LookAheadConfig | null;
  /** Gives the labels. */
  readonly teacher: SemiSupervisedTeacherConfig;
  /** Iterations at the beginning of the run that train on labeled images only. */
  readonly supervisedOnlyIterations: number;
  /**
   * Masked images without labels, too; null: off. With the mean teacher they are those that
   * the student sees, with the pseudo-labels that count.
   */
  readonly maskedConsistency: MaskedConsistencyConfig | null;
}

/** What the student sees in place of an image without a label. */
export interface PerturbationConfig {
  /** "cutmix" and "classmix" paste from the next image of the batch. */
  readonly name: "none" | "cutout" | "cutmix" | "classmix";
  /** Probability in a forward pass; it then happens to the whole batch. */
  readonly probability: number;
}

/** Which pseudo-labels count. */
export interface EntropyFilterConfig {
  /**
   * The percentage of pixels that stays, those of least entropy; at 100 all but the pixel of
   * highest entropy.
   */
  readonly keepPercent: number;
  /** Begins at 100 and falls to `keepPercent` over the run, as in U2PL. */
  readonly anneal: boolean;
  /**
   * The entropy is that of the teacher in training, with dropout and statistics of the
   * batch, or in evaluation. In the latter case it has the student's statistics.
   */
  readonly teacherMode: "train" | "eval";
}

/**
 * Draws confident pixels to the mean of their class and away from pixels that the teacher
 * may confuse with it, of this batch and of past ones. Wang et al., "U2PL", CVPR 2022.
 */
export interface ContrastiveConfig {
  /** Factor of its loss. */
  readonly lossWeight: number;
  /** Confident pixels per class that are compared (anchors), drawn with replacement. */
  readonly numQueries: number;
  /** Pixels that each of them is compared with. */
  readonly numNegatives: number;
  /** Cosines are divided by it. */
  readonly temperature: number;
  /**
   * U2PL's low and high rank. Negatives of a class are labeled pixels of another one, if the
   * class is among their `low` most probable ones; and uncertain pixels, if its rank there
   * lies between low and high.
   */
  readonly ranks: readonly [number, number];
  /** Confident pixels are compared if their label is more probable than this. */
  readonly currentClassThreshold: number;
  /**
   * This percentage of pseudo-labeled pixels is confident, and as many are uncertain; falls
   * to 0 over the run.
   */
  readonly lowEntropyThreshold: number;
  /** The share of itself that the mean of a class keeps; grows to this as 1 − 1/t. */
  readonly prototypeDecay: number;
  /**
   * Past negatives. They take 4 bytes × classes × queue size × channels on the device: 43 MB
   * for 21 classes, 2000 entries and 256 channels. Published are 30000 entries and 50000
   * for class 0, 666 MB.
   */
  readonly memoryBank: {
    /** Entries per class; the oldest leave first. */
    readonly queueSize: number;
    /** Entries per iteration at most, drawn if there are more; published: all. */
    readonly maxEnqueued: number;
  };
}

/**
 * Labels from a mean teacher, without the uncertain ones. Wang et al., "U2PL", CVPR 2022,
 * as in the semi-supervised branch of FST.
 */
export interface MeanTeacherConfig extends SemiSupervisedCommonConfig {
  /** Which rule it is. */
  readonly name: "mean-teacher";
  /** Between the teacher's image and the student's. */
  readonly perturbation: PerturbationConfig;
  /** Which pseudo-labels count. */
  readonly entropyFilter: EntropyFilterConfig;
  /** Factor of the loss on images without labels. */
  readonly unsupervisedWeight: number;
  /** Needs a decoder with a representation of every pixel; null: off. */
  readonly contrastive: ContrastiveConfig | null;
}

/** The moving average (EMA) of students of "weak-to-strong". */
export interface WeakToStrongTeacherConfig extends SemiSupervisedTeacherConfig {
  /** Its batch-norm statistics: a copy of the student's, or averages as in UniMatch V2. */
  readonly buffers: "copy" | "average";
}

/**
 * Labels from a weak view for two strong views and one with dropped features. Yang et al.,
 * "UniMatch", CVPR 2023. With other settings it is "UniMatch V2", Yang et al., 2024.
 */
export interface WeakToStrongConfig extends SemiSupervisedCommonConfig {
  /** Which rule it is. */
  readonly name: "weak-to-strong";
  /** Gives the labels. */
  readonly teacher: WeakToStrongTeacherConfig;
  /** Pseudo-labels less probable than this do not count. */
  readonly confidenceThreshold: number;
  /**
   * The losses with pseudo-labels are divided by the number of all pixels, or of those that
   * are no padding, as published.
   */
  readonly pseudoLabelAverage: "all" | "valid";
  /** What makes a view strong. */
  readonly strongAugmentation: {
    /** Largest change of brightness, contrast and saturation; half of it for hue. */
    readonly colorJitterStrength: number;
    /** Share of images with color jitter. */
    readonly colorJitterProbability: number;
    /** Share of images that become gray; 0.2 as published. */
    readonly grayscaleProbability: number;
    /** Share of images with blur. */
    readonly blurProbability: number;
    /** The range of σ of blur, in pixels; [0.1, 2] as published. */
    readonly blurSigma: readonly [number, number];
    /** Share of images with a box of another image of the batch. */
    readonly cutmixProbability: number;
    /** Which image it is: the next one, or as published that at its place from the end. */
    readonly cutmixPartner: "next" | "reverse";
  };
  /** Factor of the mean loss of both strong views. */
  readonly strongWeight: number;
  /**
   * Of the encoder's channels one strong view keeps those that the other one loses, for half
   * of the images, as in UniMatch V2.
   */
  readonly complementaryDropout: boolean;
  /** Factor of the loss with dropped features; 0: not computed. */
  readonly featurePerturbationWeight: number;
  /** Share of feature channels that are dropped for it. */
  readonly featureDropout: number;
}

/** A rule for some images with labels and many without. */
export type SemiSupervisedConfig = MeanTeacherConfig | WeakToStrongConfig;

/** One of five rules; options of one cannot be set on another. */
export type MethodConfig =
  | SupervisedConfig
  | SourceOnlyConfig
  | SelfTrainingConfig
  | SemiSupervisedConfig;

/** Whether a method is a semi-supervised one. */
export function isSemiSupervised(method: MethodConfig): method is SemiSupervisedConfig {
  return method.name === "mean-teacher" || method.name === "weak-to-strong";
}

/** Whether a method learns from images without labels. */
export function usesTarget(
  method: MethodConfig,
): method is SelfTrainingConfig | SemiSupervisedConfig {
  return "lookAhead" in method;
}

/** Whether a method has a teacher. */
export function hasTeacher({ name }: MethodConfig): boolean {
  return name !== "supervised";
}

/** The look-ahead of a method; null: none. */
export function lookAheadOf(method: MethodConfig): LookAheadConfig | null {
  return usesTarget(method) ? method.lookAhead : null;
}

/** N, the futures of a method that are averaged; 1 where it has none of its own. */
export function lookAheadWidth(method: MethodConfig): number {
  return lookAheadOf(method)?.width ?? 1;
}

/**
 * Which network a run is for: the one that is evaluated, and kept when it is the best.
 * While a semi-supervised run trains on labels alone, it is the student in any case.
 *
 * @param iteration Iterations done.
 */
export function primaryNetworkAt(
  method: MethodConfig,
  iteration: number,
): "student" | "teacher" {
  return isSemiSupervised(method) && iteration > method.supervisedOnlyIterations
    ? "teacher"
    : "student";
}

const classReference = z.union([z.string(), z.int().nonnegative()], {
  error: "must be the name or the id of a class",
});

const margin = z.int().nonnegative().default(0);
const emaDecay = z.number().gte(0).lt(1);
const teacher = z.strictObject({ emaDecay: emaDecay.default(0.999) }).prefault({});

/** The block of every method; what only self-training knows is refused elsewhere. */
function lookAheadSchema(method: "self-training" | "semi-supervised") {
  return z.strictObject({
    depth: z.int().positive().default(3),
    width: z.int().positive().default(1),
    agreement: z.number().gt(0).lte(1).nullable().default(null),
    optimizerState: z.enum(["restore", "carry"]).default("restore"),
    buffers: z.enum(["restore", "carry"]).default("restore"),
    emaStep: z.enum(["iteration", "forward"]).default("iteration"),
    emaTiming: z.enum(["before", "after", "both"])
      .default(method === "self-training" ? "before" : "after"),
    firstIteration: z.enum(["lookahead", "plain"]).default("lookahead"),
    reuse: z.boolean().default(true),
    shareDropout: z.boolean().default(false),
  }).superRefine(({ width, agreement, ...rest }, context) => {
    const report = (key: string, message: string) =>
      context.addIssue({ code: "custom", path: [key], message });
    if (agreement !== null && width > 1) {
      report("agreement", 'needs "width" 1: set it, or this to null');
    }
    if (method === "self-training") return;
    const only = (value: string) =>
      `must be ${value} here: the method "self-training" alone has another choice`;
    if (rest.emaStep !== "iteration") report("emaStep", only('"iteration"'));
    if (rest.firstIteration !== "lookahead") {
      report("firstIteration", only('"lookahead"'));
    }
    if (rest.shareDropout) report("shareDropout", only("false"));
  }).nullable().default(null);
}

const maskedConsistency = z.strictObject({
  blockSize: positiveInt.nullable().default(null),
  ratio: fractionBelowOne.default(0.7),
  lossWeight: z.number().positive().default(1),
  colorJitterStrength: fraction.default(0.2),
  colorJitterProbability: fraction.default(0.8),
  blurProbability: fraction.default(0.5),
}).nullable().default(null);

const semiSupervisedTeacher = z.strictObject({
  emaDecay: emaDecay.default(0.99),
  copyIterations: z.int().nonnegative().default(0),
});

const semiSupervisedFields = {
  lookAhead: lookAheadSchema("semi-supervised"),
  teacher: semiSupervisedTeacher.prefault({}),
  criterion: CriterionSchema,
  supervisedOnlyIterations: z.int().nonnegative().default(0),
  maskedConsistency,
};

const ContrastiveSchema = z.strictObject({
  lossWeight: nonNegative.default(1),
  numQueries: z.int().positive().default(256),
  numNegatives: z.int().positive().default(50),
  temperature: z.number().gte(0.05).default(0.5),
  ranks: z.tuple([z.int().nonnegative(), z.int().positive()]).default([3, 20]),
  currentClassThreshold: fraction.default(0.3),
  lowEntropyThreshold: z.number().gt(0).lte(50).default(20),
  prototypeDecay: emaDecay.default(0.999),
  memoryBank: z.strictObject({
    queueSize: z.int().positive().lte(1e6).default(2000),
    maxEnqueued: z.int().positive().default(200),
  }).prefault({}),
}).superRefine(({ ranks: [low, high], memoryBank }, context) => {
  const report = (path: string[], message: string) =>
    context.addIssue({ code: "custom", path, message });
  if (low > high) report(["ranks"], `must ascend: received ${low}, ${high}`);
  const { queueSize, maxEnqueued } = memoryBank;
  if (maxEnqueued <= queueSize) return;
  report(
    ["memoryBank", "maxEnqueued"],
    `must be at most "queueSize", ${queueSize}: received ${maxEnqueued}`,
  );
});

// Wider filters than those of the largest σ have no use.
const sigma = z.number().gt(0).lte(100);
const blurSigma = z.tuple([sigma, sigma]).superRefine(([low, high], context) => {
  if (low <= high) return;
  const message = `must ascend: received ${low}, ${high}`;
  context.addIssue({ code: "custom", message });
});

/** Limits and defaults of {@linkcode MethodConfig}. */
export const MethodSchema: z.ZodType<MethodConfig> = z.discriminatedUnion("name", [
  z.strictObject({ name: z.literal("supervised"), criterion: CriterionSchema }),
  z.strictObject({
    name: z.literal("source-only"),
    teacher,
    criterion: CriterionSchema,
  }),
  z.strictObject({
    name: z.literal("self-training"),
    lookAhead: lookAheadSchema("self-training"),
    teacher,
    criterion: CriterionSchema,
    pseudoLabel: z.strictObject({
      threshold: fraction.default(0.968),
      ignoreTop: z.int().nonnegative().default(0),
      ignoreBottom: z.int().nonnegative().default(0),
      margins: z.strictObject({
        top: margin,
        bottom: margin,
        left: margin,
        right: margin,
      }).nullable().default(null),
    }).prefault({}),
    mixing: z.strictObject({
      colorJitterStrength: fraction.default(0.2),
      colorJitterProbability: fraction.default(0.8),
      blurProbability: fraction.default(0.5),
      classesFrom: z.enum(["image", "batch"]).default("image"),
    }).prefault({}),
    featureDistance: z.strictObject({
      lossWeight: z.number().positive().default(0.005),
      classes: z.array(classReference).min(1).nullable().default(null),
      scaleMinRatio: z.number().gt(0).lte(1).default(0.75),
    }).nullable().default(null),
    maskedConsistency,
  }),
  z.strictObject({
    name: z.literal("mean-teacher"),
    ...semiSupervisedFields,
    perturbation: z.strictObject({
      name: z.enum(["none", "cutout", "cutmix", "classmix"]).default("none"),
      probability: fraction.default(0.5),
    }).prefault({}),
    entropyFilter: z.strictObject({
      keepPercent: z.number().gt(0).lte(100).default(100),
      anneal: z.boolean().default(false),
      teacherMode: z.enum(["train", "eval"]).default("train"),
    }).prefault({}),
    unsupervisedWeight: nonNegative.default(1),
    contrastive: ContrastiveSchema.nullable().default(null),
  }),
  z.strictObject({
    name: z.literal("weak-to-strong"),
    ...semiSupervisedFields,
    teacher: semiSupervisedTeacher.extend({
      buffers: z.enum(["copy", "average"]).default("copy"),
    }).prefault({}),
    confidenceThreshold: fraction.default(0.95),
    pseudoLabelAverage: z.enum(["all", "valid"]).default("all"),
    strongAugmentation: z.strictObject({
      colorJitterStrength: fraction.default(0.5),
      colorJitterProbability: fraction.default(0.8),
      grayscaleProbability: fraction.default(0),
      blurProbability: fraction.default(0.5),
      blurSigma: blurSigma.default([0.15, 1.15]),
      cutmixProbability: fraction.default(0.5),
      cutmixPartner: z.enum(["next", "reverse"]).default("next"),
    }).prefault({}),
    strongWeight: nonNegative.default(0.5),
    complementaryDropout: z.boolean().default(false),
    featurePerturbationWeight: nonNegative.default(0.5),
    featureDropout: z.number().gte(0).lt(1).default(0.5),
  }),
]);
