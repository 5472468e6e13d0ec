/**
 * Everything a run depends on, with every default, in one place: a run is reproducible
 * from this value alone.
 *
 * Each part is an interface, which says what a field means, and a schema, which says what
 * it may be and what it is by default.
 *
 * @module
 */
import { NATIVE_CLASSES } from "../data/native_classes.ts";
import * as z from "../core/zod.ts";
import { criterionTerms, givenClassWeights } from "./criterion.ts";
import { type DataConfig, DataSchema, resolveClassIds } from "./data.ts";
import { didYouMean } from "./did_you_mean.ts";
import {
  isSemiSupervised,
  lookAheadOf,
  type MethodConfig,
  MethodSchema,
  usesTarget,
} from "./method.ts";
import { type ModelConfig, ModelSchema } from "./model.ts";
import { type OptimizerConfig, OptimizerSchema } from "./optimizer.ts";
import { type Size, SizeSchema } from "./ranges.ts";

/** How and how often a network is measured. */
export interface EvaluationConfig {
  /** Iterations between evaluations; 0: only at the end. */
  readonly interval: number;
  /** The network sees the image at once, or in windows that are averaged. */
  readonly mode: "whole" | "slide";
  /** Size of a window; "slide" needs it. */
  readonly windowSize: Size | null;
  /** Steps from window to window; "slide" needs them. */
  readonly stride: Size | null;
  /** At most this many images per evaluation; null: all. */
  readonly maxImages: number | null;
  /**
   * While the run goes on, only a center crop of every image is evaluated, whole;
   * null: as at the end, which is always evaluated by `mode`.
   */
  readonly centerCrop: Size | null;
  /** By which score a checkpoint is the best. */
  readonly best: BestConfig;
  /** Ends the run where that score no longer rises; null: after all iterations. */
  readonly earlyStopping: EarlyStoppingConfig | null;
}

/** What a run is measured by: `best.safetensors` has the highest value of it so far. */
export interface BestConfig {
  /** The name of one of "data.evaluations"; null: the first. */
  readonly evaluation: string | null;
  /** The higher the better; figures are in 0 … 1. */
  readonly score:
    | "mIoU"
    | "meanAccuracy"
    | "meanDice"
    | "pixelAccuracy"
    | "frequencyWeightedIoU";
  /**
   * The name of a class of which alone the score is: its IoU, accuracy or Dice; null: the
   * mean over all.
   */
  readonly class: string | null;
}

/** When a run has learned what it can, by the score of {@linkcode BestConfig}. */
export interface EarlyStoppingConfig {
  /** So many evaluations in a row without a better score end the run. */
  readonly patience: number;
  /** How much higher a score has to be to count as better, in 0 … 1. */
  readonly minDelta: number;
}

/** How often a run logs, draws and saves; in iterations. */
export interface LoggingConfig {
  /** Between lines of the log. */
  readonly interval: number;
  /** Between panels of images; 0: none. */
  readonly imageInterval: number;
  /** Between checkpoints; the last iteration always has one. 0: only that one. */
  readonly checkpointInterval: number;
  /** Write an event file for TensorBoard, too. */
  readonly tensorboard: boolean;
}

/** A validated configuration with every default filled in. */
export interface RunConfig {
  /** Every random number of the run follows from it. */
  readonly seed: number;
  /** Real steps of the optimizer. */
  readonly iterations: number;
  /** The network and where its weights start. */
  readonly model: ModelConfig;
  /** What it trains on and is measured on. */
  readonly data: DataConfig;
  /** How gradients become weights. */
  readonly optimizer: OptimizerConfig;
  /** The learning rule. */
  readonly method: MethodConfig;
  /**
   * On WebGPU, iterations are recorded once and replayed. No result depends on it, only
   * time.
   */
  readonly replay: boolean;
  /** How and how often it is measured. */
  readonly evaluation: EvaluationConfig;
  /** How often it says and keeps something. */
  readonly logging: LoggingConfig;
}

const EvaluationSchema = z.strictObject({
  interval: z.int().nonnegative().default(4000),
  mode: z.enum(["whole", "slide"]).default("whole"),
  windowSize: SizeSchema.nullable().default(null),
  stride: SizeSchema.nullable().default(null),
  maxImages: z.int().positive().nullable().default(null),
  centerCrop: SizeSchema.nullable().default(null),
  best: z.strictObject({
    evaluation: z.string().min(1).nullable().default(null),
    score: z.enum([
      "mIoU",
      "meanAccuracy",
      "meanDice",
      "pixelAccuracy",
      "frequencyWeightedIoU",
    ]).default("mIoU"),
    class: z.string().min(1).nullable().default(null),
  }).prefault({}),
  earlyStopping: z.strictObject({
    patience: z.int().positive(),
    minDelta: z.number().gte(0).lt(1).default(0),
  }).nullable().default(null),
}).superRefine(({ mode, windowSize, stride, ...rest }, context) => {
  const report = (path: string[], message: string) =>
    context.addIssue({ code: "custom", path, message });
  const { best, earlyStopping, interval } = rest;
  if (best.class !== null && !isScoreOfClasses(best.score)) {
    report(
      ["best", "class"],
      `must be null with the score "${best.score}", which is of all pixels: of a class ` +
        'there are "mIoU" (its IoU), "meanAccuracy" and "meanDice"',
    );
  }
  if (earlyStopping !== null && interval === 0) {
    report(
      ["earlyStopping"],
      'needs evaluations while the run goes on: set "evaluation.interval" above 0, or this ' +
        "to null",
    );
  }
  if (mode === "whole") return;
  if (windowSize === null) report(["windowSize"], 'is required by the mode "slide"');
  if (stride === null) report(["stride"], 'is required by the mode "slide"');
  if (windowSize === null || stride === null) return;
  for (const side of ["height", "width"] as const) {
    if (stride[side] <= windowSize[side]) continue;
    report(["stride", side], `leaves gaps: must be at most ${windowSize[side]}`);
  }
});

const LoggingSchema = z.strictObject({
  interval: z.int().positive().default(50),
  imageInterval: z.int().nonnegative().default(1000),
  checkpointInterval: z.int().nonnegative().default(1000),
  tensorboard: z.boolean().default(false),
});

const RunObject = z.strictObject({
  seed: z.int().gte(0).lte(0xffffffff).default(0),
  iterations: z.int().positive().default(40_000),
  model: ModelSchema,
  data: DataSchema,
  optimizer: OptimizerSchema.prefault({}),
  method: MethodSchema,
  replay: z.boolean().default(true),
  evaluation: EvaluationSchema.prefault({}),
  logging: LoggingSchema.prefault({}),
});

/**
 * A rule that joins two parts of a run. It waits only for those parts, so that it speaks
 * up beside mistakes elsewhere.
 */
function crossCheck<const Keys extends readonly (keyof RunConfig)[]>(
  keys: Keys,
  check: (
    parts: Pick<RunConfig, Keys[number]>,
    report: (path: (string | number)[], message: string) => void,
  ) => void,
) {
  const parts = z.object(
    Object.fromEntries(keys.map((key) => [key, RunObject.shape[key]])),
  );
  return z.superRefine<RunConfig>(
    (run, context) =>
      check(run, (path, message) => context.addIssue({ code: "custom", path, message })),
    { when: ({ value }) => parts.safeParse(value).success },
  );
}

const isScoreOfClasses = (score: BestConfig["score"]) =>
  ["mIoU", "meanAccuracy", "meanDice"].includes(score);

/** The classes of a configuration's data, where it says them; else null. */
function knownClasses(data: DataConfig): readonly { readonly name: string }[] | null {
  if ("classes" in data) return data.classes;
  return data.kind === "native" ? NATIVE_CLASSES[data.source.set] : null;
}

/** Limits and defaults of {@linkcode RunConfig}. */
export const RunSchema: z.ZodType<RunConfig> = RunObject.check(
  crossCheck(["data", "method"], ({ data, method }, report) => {
    if (!usesTarget(method) || data.target !== null) return;
    report(["data", "target"], `is required by the method "${method.name}"`);
  }),
  crossCheck(["data", "method"], ({ data, method }, report) => {
    if (method.name !== "self-training") return;
    const { ignoreTop, ignoreBottom } = method.pseudoLabel;
    if (ignoreTop + ignoreBottom < data.cropSize.height) return;
    report(
      ["method", "pseudoLabel"],
      `ignores ${ignoreTop} + ${ignoreBottom} rows: a crop has ${data.cropSize.height}`,
    );
  }),
  crossCheck(
    ["data", "optimizer"],
    ({ data: { batchSize }, optimizer: { accumulationSteps } }, report) => {
      if (batchSize % accumulationSteps === 0) return;
      report(
        ["optimizer", "accumulationSteps"],
        `must divide "data.batchSize", ${batchSize}: received ${accumulationSteps}`,
      );
    },
  ),
  crossCheck(
    ["optimizer", "method"],
    ({ optimizer: { accumulationSteps }, method }, report) => {
      if (accumulationSteps === 1 || !isSemiSupervised(method)) return;
      const reason = method.name === "mean-teacher"
        ? "filters pixels by their rank in the whole batch"
        : "takes a batch at once";
      report(
        ["optimizer", "accumulationSteps"],
        `must be 1 with the method "${method.name}", which ${reason}: for less memory take ` +
          'a smaller "data.batchSize"',
      );
    },
  ),
  crossCheck(
    ["optimizer", "method"],
    ({ optimizer: { accumulationSteps }, method: { criterion } }, report) => {
      if (accumulationSteps === 1) return;
      if (!criterionTerms(criterion).some(({ name }) => name === "ohem")) return;
      report(
        ["optimizer", "accumulationSteps"],
        'must be 1 with the criterion "ohem", which ranks the pixels of the whole batch',
      );
    },
  ),
  crossCheck(["data", "method"], ({ data, method: { criterion } }, report) => {
    const known = knownClasses(data);
    if (known === null) return;
    criterionTerms(criterion).forEach((term, index) => {
      if (!("classWeights" in term) || typeof term.classWeights === "string") return;
      try {
        givenClassWeights(term.classWeights, known.map(({ name }) => name));
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        const at = "name" in criterion ? [] : [index];
        report(["method", "criterion", ...at, "classWeights"], error.message);
      }
    });
  }),
  crossCheck(["data", "evaluation"], ({ data, evaluation: { best } }, report) => {
    const names = Object.keys(data.evaluations);
    if (best.evaluation !== null && !names.includes(best.evaluation)) {
      const known = names.map((name) => `"${name}"`).join(", ");
      report(
        ["evaluation", "best", "evaluation"],
        `must be one of "data.evaluations", ${known}, or null for the first: received ` +
          `"${best.evaluation}"${didYouMean(best.evaluation, names)}`,
      );
    }
    const classes = knownClasses(data)?.map(({ name }) => name) ?? null;
    if (best.class === null || classes === null || classes.includes(best.class)) return;
    report(
      ["evaluation", "best", "class"],
      `Unknown class "${best.class}"${didYouMean(best.class, classes)}`,
    );
  }),
  crossCheck(["model", "data"], ({ model: { encoder }, data: { cropSize } }, report) => {
    if (!("imageSize" in encoder) || "inputScale" in encoder) return;
    const longest = Math.max(cropSize.height, cropSize.width);
    if (longest <= encoder.imageSize) return;
    report(
      ["model", "encoder", "imageSize"],
      `must be at least the longest side of "data.cropSize", ${longest}: received ` +
        `${encoder.imageSize}`,
    );
  }),
  crossCheck(["model", "data"], ({ model, data: { cropSize } }, report) => {
    const { multiResolution } = model;
    if (multiResolution === null) return;
    const { detailSize, coordinateDivisor } = multiResolution;
    const key = ["model", "multiResolution"];
    for (const side of ["height", "width"] as const) {
      if (detailSize[side] % coordinateDivisor !== 0) {
        report(
          [...key, "detailSize", side],
          `must be a multiple of "coordinateDivisor", ${coordinateDivisor}: received ` +
            `${detailSize[side]}`,
        );
      } else if (detailSize[side] > cropSize[side]) {
        report(
          [...key, "detailSize", side],
          `must be at most that of "data.cropSize", ${cropSize[side]}: received ` +
            `${detailSize[side]}`,
        );
      }
      if (cropSize[side] % coordinateDivisor === 0) continue;
      report(
        ["data", "cropSize", side],
        'must be a multiple of "model.multiResolution.coordinateDivisor", ' +
          `${coordinateDivisor}: received ${cropSize[side]}`,
      );
    }
  }),
  crossCheck(["model"], ({ model }, report) => {
    if (model.multiResolution === null) return;
    if (model.auxiliaryHead !== null) {
      report(
        ["model", "auxiliaryHead"],
        'cannot be trained with "model.multiResolution": set one of them to null',
      );
    }
    const { name } = model.decoder;
    if (name !== "danet") return;
    report(
      ["model", "decoder", "name"],
      `"${name}" has further logits that "model.multiResolution" does not train: choose ` +
        'another decoder, or set "model.multiResolution" to null',
    );
  }),
  crossCheck(["model", "method"], ({ model, method }, report) => {
    if (model.multiResolution === null) return;
    const { name } = method;
    if (lookAheadOf(method)?.by === "head") {
      report(
        ["method", "lookAhead", "by"],
        'cannot be "head" with "model.multiResolution", whose details are no part of the ' +
          'features that it keeps: choose another kind, or set "model.multiResolution" to null',
      );
    }
    if (name === "weak-to-strong") {
      report(
        ["model", "multiResolution"],
        'cannot be trained by "weak-to-strong", which drops features between encoder and ' +
          "decoder: choose another method, or set this to null",
      );
    } else if (name === "mean-teacher" && method.contrastive !== null) {
      report(
        ["method", "contrastive"],
        "compares representations of pixels, which a network with " +
          '"model.multiResolution" does not give: set one of them to null',
      );
    }
  }),
  crossCheck(["data", "method"], ({ data: { cropSize }, method }, report) => {
    if (!usesTarget(method) || method.maskedConsistency === null) return;
    const { blockSize } = method.maskedConsistency;
    const shortest = Math.min(cropSize.height, cropSize.width);
    if (blockSize === null || blockSize <= shortest) return;
    report(
      ["method", "maskedConsistency", "blockSize"],
      `must be at most the shorter side of "data.cropSize", ${shortest}: received ` +
        `${blockSize}`,
    );
  }),
  crossCheck(["model", "method"], ({ model: { encoder }, method }, report) => {
    if (!usesTarget(method) || method.maskedConsistency?.mask !== "tokens") return;
    if (encoder.name.startsWith("dinov2")) return;
    report(
      ["method", "maskedConsistency", "mask"],
      `must be "patches" with the encoder "${encoder.name}", which has no mask token; the ` +
        "DINOv2 encoders have one",
    );
  }),
  crossCheck(["model", "method"], ({ model, method }, report) => {
    if (method.name !== "self-training" || method.featureDistance === null) return;
    if (model.pretrained !== null) return;
    report(
      ["model", "pretrained"],
      'is required by "method.featureDistance": the distance is to its features',
    );
  }),
  crossCheck(["model", "method"], ({ model: { decoder }, method }, report) => {
    if (method.name !== "mean-teacher" || method.contrastive === null) return;
    if (decoder.name === "semi-deeplabv3+" && decoder.representationHead) return;
    const [what, cure] = decoder.name === "semi-deeplabv3+"
      ? [" without its representation head", '"model.decoder.representationHead" to true']
      : ["", '"model.decoder.name" to "semi-deeplabv3+"'];
    report(
      ["method", "contrastive"],
      `compares representations of pixels, which the decoder "${decoder.name}"${what} ` +
        `does not give: set ${cure}, or this to null`,
    );
  }),
  crossCheck(["model"], ({ model: { decoder } }, report) => {
    if (decoder.name !== "daformer" || !decoder.imagePool) return;
    if (!["conv1", "isa"].includes(decoder.fusion)) return;
    report(
      ["model", "decoder", "imagePool"],
      `is a branch of ASPP, which the fusion "${decoder.fusion}" does not have: set ` +
        '"model.decoder.fusion" to "separable-aspp", "aspp" or "bottleneck"',
    );
  }),
  crossCheck(["data", "method"], ({ data, method }, report) => {
    const known = knownClasses(data);
    if (method.name !== "self-training" || known === null) return;
    (method.featureDistance?.classes ?? []).forEach((one, index) => {
      try {
        resolveClassIds([one], known);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        report(["method", "featureDistance", "classes", index], error.message);
      }
    });
  }),
);
