/** The sidecar of a training trace. @module */
import * as z from "../../src/core/zod.ts";
import { ReferenceModel } from "./reference_network.ts";

/** The method of a trace: only settings that are known here. */
const UdaConfig = z.strictObject({
  type: z.enum(["SourceOnly", "DACS", "NESTEROV", "Wider_NESTEROV_DifData"]),
  alpha: z.number(),
  pseudo_threshold: z.number(),
  pseudo_weight_ignore_top: z.int(),
  pseudo_weight_ignore_bottom: z.int(),
  imnet_feature_dist_lambda: z.number(),
  imnet_feature_dist_classes: z.array(z.int()).nullable(),
  imnet_feature_dist_scale_min_ratio: z.number().nullable(),
  ahead_step: z.int().default(0),
  paper_faithful: z.boolean().default(false),
});

/** One forward and backward pass of the student. */
const TraceStep = z.object({
  iter: z.int(),
  index: z.int(),
  log_vars: z.record(z.string(), z.number().nullable()),
  pseudo_weight_value: z.number().optional(),
});

/** What a trace's sidecar says, as far as it is checked. */
export const TraceSidecar = z.object({
  config: z.object({
    model: ReferenceModel,
    uda: UdaConfig,
    optimizer: z.object({
      lr: z.number(),
      betas: z.tuple([z.number(), z.number()]),
      eps: z.number(),
      weight_decay: z.number(),
      custom_keys: z.object({ head: z.object({ lr_mult: z.number() }) }),
    }),
    lr_config: z.object({
      max_iters: z.int(),
      warmup_iters: z.int(),
      warmup_ratio: z.number(),
      power: z.number(),
      min_lr: z.number(),
    }),
    batches: z.array(z.array(z.int())),
  }),
  lr_per_iteration: z.array(z.object({ backbone: z.number(), head: z.number() })),
  steps: z.array(TraceStep),
  param_groups: z.record(
    z.string(),
    z.object({ lr_mult: z.number(), weight_decay: z.number() }),
  ),
  adamw_step_counter_after_4_iterations: z.array(z.int()),
  sum_and_l2_norm_of_tensors_after_iterations_0_and_2: z.record(
    z.string(),
    z.tuple([z.number(), z.number()]),
  ),
  tolerance: z.object({
    param_rel_l2: z.number(),
    param_tensor_median: z.number(),
    param_tensor_p80: z.number(),
  }),
});

/** See {@linkcode TraceSidecar}. */
export type TraceSidecar = z.output<typeof TraceSidecar>;
