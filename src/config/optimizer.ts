/** How gradients become weights. @module */

import * as z from "../core/zod.ts";

/** What optimizers have in common: the learning rate over the run. */
export interface LearningRateConfig {
  /** Peak learning rate of the encoder. */
  readonly learningRate: number;
  /** The decoder starts from scratch, so it learns this many times faster. */
  readonly headLrMultiplier: number;
  /**
   * Whether the encoder's norms decay, too, as in UniMatch V2 and VFM-UDA; those of the
   * decoder do anyway.
   */
  readonly decayNorms: boolean;
  /** Linear warm-up, in iterations. */
  readonly warmupIterations: number;
  /** The first learning rate as a share of what the warm-up rises to. */
  readonly warmupRatio: number;
  /**
   * What it rises to: what the decay says at that moment, as in mmcv; or the peak, in its
   * last iteration, as in VFM-UDA.
   */
  readonly warmupTo: "decay" | "peak";
  /** Exponent of the decay (1 − iteration / iterations)^power. */
  readonly power: number;
  /** Where the decay ends. */
  readonly minLearningRate: number;
  /**
   * Micro-batches whose gradients are added up before a step: less memory, the same
   * gradient. Batch norm takes its statistics per micro-batch.
   */
  readonly accumulationSteps: number;
  /**
   * What stays as it starts: "encoder", "decoder" or "auxiliaryHead", and parameters by
   * their names, in which * stands for any characters.
   */
  readonly freeze: readonly string[];
  /**
   * By what "freeze" knows: times the learning rate that there is without. Of several that
   * fit a parameter the longest pattern counts, and a part's name last.
   */
  readonly lrMultipliers: Readonly<Record<string, number>>;
  /** A longer gradient is scaled to this L2 norm, of all parameters together; null: none. */
  readonly clipGradientNorm: number | null;
}

/** AdamW with linear warm-up and polynomial decay; the default. */
export interface AdamWConfig extends LearningRateConfig {
  /** Which rule it is. */
  readonly name: "adamw";
  /** Decoupled: a step shrinks weights by learning rate × decay. */
  readonly weightDecay: number;
  /** Shares that the moving averages of gradient and squared gradient keep. */
  readonly betas: readonly [number, number];
  /** Added to the root of the squared gradient's average. */
  readonly eps: number;
}

/** Gradient descent with momentum, as the semi-supervised branch has it. */
export interface SgdConfig extends LearningRateConfig {
  /** Which rule it is. */
  readonly name: "sgd";
  /** Times a weight, is added to its gradient. */
  readonly weightDecay: number;
  /** The share of itself that the moving sum of gradients keeps. */
  readonly momentum: number;
}

/** One of two rules; options of one cannot be set on another. */
export type OptimizerConfig = AdamWConfig | SgdConfig;

const share = z.number().gte(0).lt(1);

const lrMultiplier = z.number().refine((factor) => factor > 0, {
  error: ({ input }) =>
    input === 0
      ? 'must be above 0: name what shall not learn in "optimizer.freeze"'
      : `must be above 0: received ${input}`,
});

const learningRateFields = {
  headLrMultiplier: z.number().positive().default(10),
  decayNorms: z.boolean().default(false),
  warmupRatio: z.number().gt(0).lte(1).default(1e-6),
  warmupTo: z.enum(["decay", "peak"]).default("decay"),
  minLearningRate: z.number().nonnegative().default(0),
  accumulationSteps: z.int().positive().default(1),
  freeze: z.array(z.string().min(1)).default([]),
  lrMultipliers: z.record(z.string().min(1), lrMultiplier).default({}),
  clipGradientNorm: z.number().positive().nullable().default(null),
};

/** Limits and defaults of {@linkcode OptimizerConfig}. */
export const OptimizerSchema: z.ZodType<OptimizerConfig> = z.discriminatedUnion("name", [
  z.strictObject({
    name: z.literal("adamw").optional().default("adamw"), // may be left out
    learningRate: z.number().positive().default(6e-5),
    weightDecay: z.number().nonnegative().default(0.01),
    betas: z.tuple([share, share]).default([0.9, 0.999]),
    eps: z.number().positive().default(1e-8),
    warmupIterations: z.int().nonnegative().default(1500),
    power: z.number().nonnegative().default(1),
    ...learningRateFields,
  }),
  z.strictObject({
    name: z.literal("sgd"),
    learningRate: z.number().positive().default(1e-3),
    weightDecay: z.number().nonnegative().default(1e-4),
    momentum: share.default(0.9),
    warmupIterations: z.int().nonnegative().default(0),
    power: z.number().nonnegative().default(0.9),
    ...learningRateFields,
  }),
]);

/** Whether an optimizer keeps a moving average of squared gradients, too. */
export function hasSecondMoment({ name }: OptimizerConfig): boolean {
  return name === "adamw";
}
