/**
 * Everything a run depends on, with every default, in one place: a run is reproducible
 * from this value alone.
 *
 * Each part is an interface, which says what a field means, and a schema, which says what
 * it may be and what it is by default.
 *
 * @module
 */
import { NATIVE_CLASSES } from "../core/known_classes.ts";
import { z } from "../core/zod.ts";
import { classIds } from "./class_ids.ts";
import { type DataConfig, DataSchema } from "./data.ts";
import {
  type AdaptiveConfig,
  isSemi,
  type MethodConfig,
  MethodSchema,
  usesTarget,
} from "./method.ts";
import { type ModelConfig, ModelSchema } from "./model.ts";
import { type OptimizerConfig, OptimizerSchema } from "./optimizer.ts";
import { type Size, SizeSchema } from "./size.ts";

/** How and how often a network is measured. */
export interface EvaluationConfig {
  /** Iterations between evaluations; 0: only at the end. */
  readonly every: number;
  /** The network sees the image at once, or in windows that are averaged. */
  readonly mode: "whole" | "slide";
  /** Size of a window; "slide" needs it. */
  readonly window: Size | null;
  /** Steps from window to window; "slide" needs them. */
  readonly stride: Size | null;
  /** At most this many images per evaluation; null: all. */
  readonly images: number | null;
  /**
   * While the run goes on, only the centre of every image is looked at and judged, at once;
   * null: as at the end, which is always judged by `mode`.
   */
  readonly centre: Size | null;
}

/** How often a run says and keeps something; in iterations. */
export interface LoggingConfig {
  /** Between lines of the log. */
  readonly every: number;
  /** Between pictures; 0: none. */
  readonly pictures: number;
  /** Between checkpoints; the last iteration always has one. 0: only that one. */
  readonly checkpoint: number;
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

const Evaluation = z.strictObject({
  every: z.int().nonnegative().default(4000),
  mode: z.enum(["whole", "slide"]).default("whole"),
  window: SizeSchema.nullable().default(null),
  stride: SizeSchema.nullable().default(null),
  images: z.int().positive().nullable().default(null),
  centre: SizeSchema.nullable().default(null),
}).superRefine(({ mode, window, stride }, context) => {
  if (mode === "whole") return;
  const report = (path: string[], message: string) =>
    context.addIssue({ code: "custom", path, message });
  if (window === null) report(["window"], 'is required by the mode "slide"');
  if (stride === null) report(["stride"], 'is required by the mode "slide"');
  if (window === null || stride === null) return;
  for (const side of ["height", "width"] as const) {
    if (stride[side] <= window[side]) continue;
    report(["stride", side], `leaves gaps: must be at most ${window[side]}`);
  }
});

const Logging = z.strictObject({
  every: z.int().positive().default(50),
  pictures: z.int().nonnegative().default(1000),
  checkpoint: z.int().nonnegative().default(1000),
});

const Run = z.strictObject({
  seed: z.int().gte(0).lte(0xffffffff).default(0),
  iterations: z.int().positive().default(40_000),
  model: ModelSchema,
  data: DataSchema,
  optimizer: OptimizerSchema.prefault({}),
  method: MethodSchema,
  replay: z.boolean().default(true),
  evaluation: Evaluation.prefault({}),
  logging: Logging.prefault({}),
});

/**
 * A rule that joins two parts of a run. It waits only for those parts, so that it speaks
 * up beside mistakes elsewhere.
 */
function joins<const Keys extends readonly (keyof RunConfig)[]>(
  keys: Keys,
  check: (
    parts: Pick<RunConfig, Keys[number]>,
    report: (path: (string | number)[], message: string) => void,
  ) => void,
) {
  const parts = z.object(Object.fromEntries(keys.map((key) => [key, Run.shape[key]])));
  return z.superRefine<RunConfig>(
    (run, context) =>
      check(run, (path, message) => context.addIssue({ code: "custom", path, message })),
    { when: ({ value }) => parts.safeParse(value).success },
  );
}

const isAdaptive = (method: MethodConfig): method is AdaptiveConfig =>
  "featureDistance" in method;

/** Limits and defaults of {@linkcode RunConfig}. */
export const RunSchema: z.ZodType<RunConfig> = Run.check(
  joins(["data", "method"], ({ data, method }, report) => {
    if (!usesTarget(method) || data.target !== null) return;
    report(["data", "target"], `is required by the method "${method.name}"`);
  }),
  joins(["data", "method"], ({ data, method }, report) => {
    if (!isAdaptive(method)) return;
    const { ignoreTop, ignoreBottom } = method.pseudoLabel;
    if (ignoreTop + ignoreBottom < data.crop.height) return;
    report(
      ["method", "pseudoLabel"],
      `ignores ${ignoreTop} + ${ignoreBottom} rows: a crop has ${data.crop.height}`,
    );
  }),
  joins(
    ["data", "optimizer"],
    ({ data: { batch }, optimizer: { accumulate } }, report) => {
      if (batch % accumulate === 0) return;
      report(
        ["optimizer", "accumulate"],
        `must divide "data.batch", ${batch}: received ${accumulate}`,
      );
    },
  ),
  joins(["optimizer", "method"], ({ optimizer: { accumulate }, method }, report) => {
    if (accumulate === 1 || !isSemi(method)) return;
    report(
      ["optimizer", "accumulate"],
      `must be 1 with the method "${method.name}", which drops pixels by their rank in the ` +
        "whole batch",
    );
  }),
  joins(["model", "data"], ({ model: { encoder }, data: { crop } }, report) => {
    if (!("imageSize" in encoder)) return;
    const longest = Math.max(crop.height, crop.width);
    if (longest <= encoder.imageSize) return;
    report(
      ["model", "encoder", "imageSize"],
      `must be at least the longest side of "data.crop", ${longest}: received ` +
        `${encoder.imageSize}`,
    );
  }),
  joins(["model", "method"], ({ model, method }, report) => {
    if (!isAdaptive(method) || method.featureDistance === null) return;
    if (model.pretrained !== null) return;
    report(
      ["model", "pretrained"],
      'is required by "method.featureDistance": the distance is to its features',
    );
  }),
  joins(["model", "method"], ({ model: { decoder }, method }, report) => {
    if (method.name !== "mean-teacher" || method.contrast === null) return;
    if (decoder.name === "semi-deeplabv3+") return;
    report(
      ["method", "contrast"],
      `compares representations of pixels, which the decoder "${decoder.name}" does not ` +
        'give: set "model.decoder.name" to "semi-deeplabv3+", or this to null',
    );
  }),
  joins(["data", "method"], ({ data, method }, report) => {
    if (!isAdaptive(method) || data.kind === "embedded") return;
    const known = data.kind === "folder" ? data.classes : NATIVE_CLASSES[data.source.set];
    (method.featureDistance?.classes ?? []).forEach((one, index) => {
      try {
        classIds([one], known);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        report(["method", "featureDistance", "classes", index], error.message);
      }
    });
  }),
);
