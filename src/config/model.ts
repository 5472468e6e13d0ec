/** The network of a run: an encoder and a decoder, by name. @module */

import { z } from "../core/zod.ts";

/** A number per stage of an encoder, from fine to coarse. */
export type Stages = readonly [number, number, number, number];

/** A Mix Transformer of any size. Xie et al., "SegFormer", NeurIPS 2021. */
export interface MitConfig {
  /** Its sizes are given here. */
  readonly name: "mit";
  /** Channels. Each is a multiple of the stage's `heads`. */
  readonly widths: Stages;
  /** Transformer blocks. */
  readonly depths: Stages;
  /** Attention heads. */
  readonly heads: Stages;
  /** Keys and values come from a grid this many times coarser, per side. */
  readonly reductions: Stages;
  /** Share of residual branches dropped in the last block; earlier ones drop less. */
  readonly dropPath: number;
}

/** A Mix Transformer in a published size. */
export interface MitPresetConfig {
  /** Stands for the paper's widths, depths, heads and reductions. */
  readonly name: "mit-b0" | "mit-b1" | "mit-b2" | "mit-b3" | "mit-b4" | "mit-b5";
  /** Share of residual branches dropped in the last block; earlier ones drop less. */
  readonly dropPath: number;
}

/** Sums over context of several sizes. Hoyer et al., "DAFormer", CVPR 2022. */
export interface DaformerConfig {
  /** Which decoder it is. */
  readonly name: "daformer";
  /** Channels of every level and of the fused map. */
  readonly channels: number;
  /** How the concatenated levels become one map. */
  readonly fusion: "conv1" | "aspp" | "separable-aspp" | "bottleneck" | "isa";
  /** Dilations of the parallel 3×3 branches, in pixels; 1 means a 1×1 branch. */
  readonly dilations: readonly number[];
  /** Share of whole channels dropped before the classifier. */
  readonly dropout: number;
}

/** Adds up linear projections of the levels. Xie et al., "SegFormer", NeurIPS 2021. */
export interface SegformerConfig {
  /** Which decoder it is. */
  readonly name: "segformer";
  /** Channels of every projection; published sizes are 256 (B0, B1) and 768. */
  readonly channels: number;
  /** Share of whole channels dropped before the classifier. */
  readonly dropout: number;
}

/** Encoder, decoder and where their weights start. */
export interface ModelConfig {
  /** Image → feature maps from fine to coarse. */
  readonly encoder: MitConfig | MitPresetConfig;
  /** Feature maps → logits. */
  readonly decoder: DaformerConfig | SegformerConfig;
  /** A safetensors file with weights of the encoder, or a checkpoint; null: random. */
  readonly pretrained: string | null;
}

const share = z.number().gte(0).lt(1);
const positive = z.int().positive();
const stages = z.tuple([positive, positive, positive, positive]);

const Mit = z.strictObject({
  name: z.literal("mit"),
  widths: stages,
  depths: stages,
  heads: stages.default([1, 2, 5, 8]),
  reductions: stages.default([8, 4, 2, 1]),
  dropPath: share.default(0.1),
}).superRefine(({ widths, heads }, context) => {
  widths.forEach((width, stage) => {
    const count = heads[stage] ?? 1;
    if (width % count === 0) return;
    context.addIssue({
      code: "custom",
      path: ["widths", stage],
      message: `must be a multiple of the stage's ${count} heads: received ${width}`,
    });
  });
});

const MitPreset = z.strictObject({
  name: z.enum(["mit-b0", "mit-b1", "mit-b2", "mit-b3", "mit-b4", "mit-b5"]),
  dropPath: share.default(0.1),
});

const Daformer = z.strictObject({
  name: z.literal("daformer"),
  channels: positive.default(256),
  fusion: z.enum(["conv1", "aspp", "separable-aspp", "bottleneck", "isa"])
    .default("separable-aspp"),
  dilations: z.array(positive).min(1).default([1, 6, 12, 18]),
  dropout: share.default(0.1),
});

const Segformer = z.strictObject({
  name: z.literal("segformer"),
  channels: positive.default(256),
  dropout: share.default(0.1),
});

/** Limits and defaults of {@linkcode ModelConfig}. */
export const ModelSchema: z.ZodType<ModelConfig> = z.strictObject({
  encoder: z.discriminatedUnion("name", [Mit, MitPreset]),
  decoder: z.discriminatedUnion("name", [Daformer, Segformer])
    .prefault({ name: "daformer" }),
  pretrained: z.string().min(1).nullable().default(null),
});
