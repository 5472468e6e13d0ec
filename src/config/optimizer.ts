/** How gradients become weights. @module */

import { z } from "../core/zod.ts";

/** AdamW with linear warm-up and polynomial decay. */
export interface OptimizerConfig {
  /** The rule; there is one so far. */
  readonly name: "adamw";
  /** Peak learning rate of the encoder. */
  readonly rate: number;
  /** The decoder starts from scratch, so it learns this many times faster. */
  readonly headFactor: number;
  /** Decoupled: a step shrinks weights by rate × decay. */
  readonly weightDecay: number;
  /** Shares that the moving averages of gradient and squared gradient keep. */
  readonly betas: readonly [number, number];
  /** Added to the root of the squared gradient's average. */
  readonly epsilon: number;
  /** Linear warm-up, in iterations. */
  readonly warmup: number;
  /** The first learning rate as a share of what the decay says there. */
  readonly warmupRatio: number;
  /** Exponent of the decay (1 − iteration / iterations)^power. */
  readonly power: number;
  /** Where the decay ends. */
  readonly minimumRate: number;
  /**
   * Portions that a batch is learned from in, one after another, before a step: less
   * memory, the same gradient. Batch norm takes its statistics per portion.
   */
  readonly accumulate: number;
}

const share = z.number().gte(0).lt(1);

/** Limits and defaults of {@linkcode OptimizerConfig}. */
export const OptimizerSchema: z.ZodType<OptimizerConfig> = z.strictObject({
  name: z.literal("adamw").default("adamw"),
  rate: z.number().positive().default(6e-5),
  headFactor: z.number().positive().default(10),
  weightDecay: z.number().nonnegative().default(0.01),
  betas: z.tuple([share, share]).default([0.9, 0.999]),
  epsilon: z.number().positive().default(1e-8),
  warmup: z.int().nonnegative().default(1500),
  warmupRatio: z.number().gt(0).lte(1).default(1e-6),
  power: z.number().nonnegative().default(1),
  minimumRate: z.number().nonnegative().default(0),
  accumulate: z.int().positive().default(1),
});
