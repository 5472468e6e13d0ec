/** The learning rule of a run and its switches. @module */

import { z } from "../core/zod.ts";
import { MeanTeacher, type SemiConfig, WeakToStrong } from "./semi_method.ts";

/** The moving average of students. */
export interface TeacherConfig {
  /** The share of itself that it keeps at every update, after its warm-up. */
  readonly momentum: number;
}

/** What the teacher's predictions count. */
export interface PseudoLabelConfig {
  /** The share of pixels at least this confident is the weight of all of them. */
  readonly threshold: number;
  /** Rows at the top of a crop without weight, in pixels. */
  readonly ignoreTop: number;
  /** Rows at the bottom of a crop without weight, in pixels. */
  readonly ignoreBottom: number;
}

/** DACS: half of the source's classes are pasted over the target, then disturbed. */
export interface MixingConfig {
  /** Largest change of brightness, contrast, saturation and hue. */
  readonly jitterStrength: number;
  /** Share of evaluations of the loss with jitter. */
  readonly jitterProbability: number;
  /** Share of evaluations of the loss with blur. */
  readonly blurProbability: number;
  /** Classes to paste are chosen from those of the image, or of the whole batch. */
  readonly classes: "image" | "batch";
}

/** Keeps features near those of the pretrained encoder. DAFormer, section 3.3. */
export interface FeatureDistanceConfig {
  /** Factor of the distance in the loss. */
  readonly weight: number;
  /** Names or ids of the classes it applies to; null: everywhere. */
  readonly classes: readonly (string | number)[] | null;
  /** A coarse cell belongs to a class that holds at least this share of it. */
  readonly minimumShare: number;
}

/** What methods have in common that learn from images without labels. */
export interface Adaptation {
  /** Gives the labels. */
  readonly teacher: TeacherConfig;
  /** What these labels count. */
  readonly pseudoLabel: PseudoLabelConfig;
  /** What images the student sees with them. */
  readonly mixing: MixingConfig;
  /** Null: off. */
  readonly featureDistance: FeatureDistanceConfig | null;
}

/** Learning from the source alone. */
export interface SupervisedConfig {
  /** Which rule it is. */
  readonly name: "supervised";
}

/** Learning from the source alone, with a teacher that follows. */
export interface SourceOnlyConfig {
  /** Which rule it is. */
  readonly name: "source-only";
  /** Is kept and evaluated, and gives no labels. */
  readonly teacher: TeacherConfig;
}

/** Learning from the labels that a teacher gives to the target. */
export interface SelfTrainingConfig extends Adaptation {
  /** Which rule it is. */
  readonly name: "self-training";
}

/**
 * Self-training with a teacher from the student's future. Du et al., "Learning from
 * Future", NeurIPS 2022.
 *
 * The defaults are what the paper states; the published code is `optimizerState: carry`,
 * `buffers: carry`, `teacherClock: forward`, `firstIteration: plain` and
 * `mixing.classes: batch`, with `presentStudent: after` where it averages futures.
 */
export interface FutureSelfTrainingConfig extends Adaptation {
  /** Which rule it is. */
  readonly name: "future-self-training";
  /** K virtual steps, one after another. An iteration costs K·N + 1 evaluations. */
  readonly depth: number;
  /** N futures that are averaged at each depth; 1: the iteration's own batch only. */
  readonly width: number;
  /** Whether virtual steps leave the optimizer's moments and step count as they were. */
  readonly optimizerState: "restore" | "carry";
  /** Whether virtual steps leave the batch-norm statistics as they were. */
  readonly buffers: "restore" | "carry";
  /** The teacher's warm-up counts iterations, or every evaluation of the loss. */
  readonly teacherClock: "iteration" | "forward";
  /** The present student enters the teacher before the look-ahead, or after its step. */
  readonly presentStudent: "before" | "after";
  /** The first iteration looks ahead as well, or is a plain step. */
  readonly firstIteration: "lookahead" | "plain";
  /**
   * What is the same in several evaluations of an iteration is computed once: no result
   * depends on it, only time and the memory of one gradient. Frozen features always are;
   * the source loss of the first virtual step and the real one is where nothing is
   * dropped in the network, or both drop the same.
   */
  readonly reuse: boolean;
  /**
   * On the source, the first virtual step and the real one drop the same channels and
   * paths. Results depend on it.
   */
  readonly shareDropout: boolean;
}

/** A method that learns from images without labels. */
export type AdaptiveConfig = SelfTrainingConfig | FutureSelfTrainingConfig;

/** One of six rules; options of one cannot be set on another. */
export type MethodConfig =
  | SupervisedConfig
  | SourceOnlyConfig
  | AdaptiveConfig
  | SemiConfig;

/** Whether a method is one for few labels. */
export function isSemi(method: MethodConfig): method is SemiConfig {
  return method.name === "mean-teacher" || method.name === "weak-to-strong";
}

/** Whether a method learns from images without labels. */
export function usesTarget(method: MethodConfig): method is AdaptiveConfig | SemiConfig {
  return "featureDistance" in method || isSemi(method);
}

/** N, the futures of a method that are averaged; 1 where it has none of its own. */
export function widthOf(method: MethodConfig): number {
  if (isSemi(method)) return method.lookAhead?.width ?? 1;
  return method.name === "future-self-training" ? method.width : 1;
}

/**
 * Which network a run is for: the one that is measured, and kept when it is the best. Before
 * a teacher has a say, it is the student in any case.
 *
 * @param iteration Iterations done.
 */
export function judgedAt(
  method: MethodConfig,
  iteration: number,
): "student" | "teacher" {
  return isSemi(method) && iteration > method.supervisedIterations
    ? "teacher"
    : "student";
}

const share = z.number().gte(0).lte(1);

const teacher = z.strictObject({
  momentum: z.number().gte(0).lt(1).default(0.999),
}).prefault({});

const classReference = z.union([z.string(), z.int().nonnegative()], {
  error: "must be the name or the id of a class",
});

const adaptive = {
  teacher,
  pseudoLabel: z.strictObject({
    threshold: share.default(0.968),
    ignoreTop: z.int().nonnegative().default(0),
    ignoreBottom: z.int().nonnegative().default(0),
  }).prefault({}),
  mixing: z.strictObject({
    jitterStrength: share.default(0.2),
    jitterProbability: share.default(0.8),
    blurProbability: share.default(0.5),
    classes: z.enum(["image", "batch"]).default("image"),
  }).prefault({}),
  featureDistance: z.strictObject({
    weight: z.number().positive().default(0.005),
    classes: z.array(classReference).min(1).nullable().default(null),
    minimumShare: z.number().gt(0).lte(1).default(0.75),
  }).nullable().default(null),
};

/** Limits and defaults of {@linkcode MethodConfig}. */
export const MethodSchema: z.ZodType<MethodConfig> = z.discriminatedUnion("name", [
  z.strictObject({ name: z.literal("supervised") }),
  z.strictObject({ name: z.literal("source-only"), teacher }),
  z.strictObject({ name: z.literal("self-training"), ...adaptive }),
  z.strictObject({
    name: z.literal("future-self-training"),
    depth: z.int().positive().default(3),
    width: z.int().positive().default(1),
    optimizerState: z.enum(["restore", "carry"]).default("restore"),
    buffers: z.enum(["restore", "carry"]).default("restore"),
    teacherClock: z.enum(["iteration", "forward"]).default("iteration"),
    presentStudent: z.enum(["before", "after"]).default("before"),
    firstIteration: z.enum(["lookahead", "plain"]).default("lookahead"),
    reuse: z.boolean().default(true),
    shareDropout: z.boolean().default(false),
    ...adaptive,
  }),
  MeanTeacher,
  WeakToStrong,
]);
