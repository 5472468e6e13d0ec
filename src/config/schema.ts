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
import { type DataConfig, DataSchema, resolveClassIds } from "./data.ts";
import {
  isSemiSupervised,
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
}).superRefine(({ mode, windowSize, stride }, context) => {
  if (mode === "whole") return;
  const report = (path: string[], message: string) =>
    context.addIssue({ code: "custom", path, message });
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
      report(
        ["optimizer", "accumulationSteps"],
        `must be 1 with the method "${method.name}", which filters pixels by their rank in ` +
          "the whole batch",
      );
    },
  ),
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
    if (method.name !== "self-training" || data.kind === "embedded") return;
    const known = data.kind === "folder" ? data.classes : NATIVE_CLASSES[data.source.set];
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
