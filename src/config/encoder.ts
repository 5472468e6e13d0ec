/** The encoder of a run's network: image → feature maps from fine to coarse. @module */

import { z } from "../core/zod.ts";
import { positive, share, type Stages, stages } from "./ranges.ts";

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

/**
 * A ResNet with bottlenecks and dilated last stages, of any size. "resnet" is V1c of He et
 * al., "Bag of Tricks", CVPR 2019; "resnet-multigrid" that of the semi-supervised branch.
 */
export interface ResnetConfig {
  /** Its sizes are given here. */
  readonly name: "resnet" | "resnet-multigrid";
  /** Blocks. */
  readonly depths: Stages;
  /** Channels after the stem, even; null: as many as published. */
  readonly stem: number | null;
  /** Channels inside the blocks of the first stage; they double per stage. */
  readonly planes: number;
}

/** A ResNet in a published size. */
export interface ResnetPresetConfig {
  /** Stands for the published depths. */
  readonly name:
    | "resnet-50"
    | "resnet-101"
    | "resnet-50-multigrid"
    | "resnet-101-multigrid";
}

/** A Swin Transformer of any size. Liu et al., ICCV 2021. */
export interface SwinConfig {
  /** Its sizes are given here. */
  readonly name: "swin";
  /** Channels of the first stage; they double per stage. */
  readonly width: number;
  /** Transformer blocks. */
  readonly depths: Stages;
  /** Attention heads; each divides the stage's channels. */
  readonly heads: Stages;
  /** Side of a window, in tokens. */
  readonly window: number;
  /** Share of residual branches dropped in the last block; earlier ones drop less. */
  readonly dropPath: number;
}

/** A Swin Transformer in a published size. */
export interface SwinPresetConfig {
  /** Stands for the paper's width, depths and heads. */
  readonly name: "swin-t" | "swin-s" | "swin-b" | "swin-l";
  /** Side of a window, in tokens; published are 7 and 12. */
  readonly window: number;
  /** Share of residual branches dropped in the last block; earlier ones drop less. */
  readonly dropPath: number;
}

/** A BEiT of any size with a pyramid of its layers. Bao et al., ICLR 2022. */
export interface BeitConfig {
  /** Its sizes are given here. */
  readonly name: "beit";
  /** Channels. A multiple of `heads`. */
  readonly width: number;
  /** Transformer blocks. */
  readonly depth: number;
  /** Attention heads. */
  readonly heads: number;
  /** Blocks, counted from 0, whose outputs become the maps of strides 4, 8, 16 and 32. */
  readonly outputs: Stages;
  /** Longest side of a picture, in pixels; the position tables are made for it. */
  readonly imageSize: number;
  /** Share of residual branches dropped in the last block; earlier ones drop less. */
  readonly dropPath: number;
  /** What residual branches are multiplied with at the start. */
  readonly layerScale: number;
}

/** A BEiT in a published size. */
export interface BeitPresetConfig {
  /** Stands for the paper's width, depth and heads. */
  readonly name: "beit-b" | "beit-l";
  /** Longest side of a picture, in pixels; the position tables are made for it. */
  readonly imageSize: number;
  /** Share of residual branches dropped in the last block; earlier ones drop less. */
  readonly dropPath: number;
}

/** Which encoder it is, and its sizes. */
export type EncoderConfig =
  | MitConfig
  | MitPresetConfig
  | ResnetConfig
  | ResnetPresetConfig
  | SwinConfig
  | SwinPresetConfig
  | BeitConfig
  | BeitPresetConfig;

type Report = (path: (string | number)[], message: string) => void;

const reporter = (context: z.core.$RefinementCtx): Report => (path, message) =>
  context.addIssue({ code: "custom", path, message });

function checkHeads(
  widths: readonly number[],
  heads: readonly number[],
  path: string,
  report: Report,
): void {
  widths.forEach((width, stage) => {
    const count = heads[stage] ?? 1;
    if (width % count === 0) return;
    report(
      [path, stage],
      `must be a multiple of the stage's ${count} heads: received ${width}`,
    );
  });
}

const Mit = z.strictObject({
  name: z.literal("mit"),
  widths: stages,
  depths: stages,
  heads: stages.default([1, 2, 5, 8]),
  reductions: stages.default([8, 4, 2, 1]),
  dropPath: share.default(0.1),
}).superRefine(({ widths, heads }, context) =>
  checkHeads(widths, heads, "widths", reporter(context))
);

const MitPreset = z.strictObject({
  name: z.enum(["mit-b0", "mit-b1", "mit-b2", "mit-b3", "mit-b4", "mit-b5"]),
  dropPath: share.default(0.1),
});

const Resnet = z.strictObject({
  name: z.enum(["resnet", "resnet-multigrid"]),
  depths: stages,
  stem: positive.multipleOf(2).nullable().default(null),
  planes: positive.default(64),
});

const ResnetPreset = z.strictObject({
  name: z.enum([
    "resnet-50",
    "resnet-101",
    "resnet-50-multigrid",
    "resnet-101-multigrid",
  ]),
});

const Swin = z.strictObject({
  name: z.literal("swin"),
  width: positive,
  depths: stages,
  heads: stages,
  window: positive.default(7),
  dropPath: share.default(0.3),
}).superRefine(({ width, heads }, context) =>
  heads.forEach((count, stage) => {
    const channels = width * 2 ** stage;
    if (channels % count === 0) return;
    reporter(context)(
      ["heads", stage],
      `must divide the stage's ${channels} channels: received ${count}`,
    );
  })
);

const SwinPreset = z.strictObject({
  name: z.enum(["swin-t", "swin-s", "swin-b", "swin-l"]),
  window: positive.default(7),
  dropPath: share.default(0.3),
});

const Beit = z.strictObject({
  name: z.literal("beit"),
  width: positive,
  depth: positive,
  heads: positive,
  outputs: z.tuple([
    z.int().nonnegative(),
    z.int().nonnegative(),
    z.int().nonnegative(),
    z.int().nonnegative(),
  ]),
  imageSize: positive.multipleOf(16).default(640),
  dropPath: share.default(0.1),
  layerScale: z.number().positive().default(0.1),
}).superRefine(({ width, depth, heads, outputs }, context) => {
  const report = reporter(context);
  if (width % heads !== 0) {
    report(["width"], `must be a multiple of the ${heads} heads: received ${width}`);
  }
  outputs.forEach((block, level) => {
    if (block >= depth) {
      report(["outputs", level], `must be below the depth ${depth}: received ${block}`);
    } else if (level > 0 && block <= (outputs[level - 1] ?? -1)) {
      report(["outputs", level], `must be above the one before it: received ${block}`);
    }
  });
});

const BeitPreset = z.strictObject({
  name: z.enum(["beit-b", "beit-l"]),
  imageSize: positive.multipleOf(16).default(640),
  dropPath: share.default(0.1),
});

/** Limits and defaults of {@linkcode EncoderConfig}. */
export const EncoderSchema = z.discriminatedUnion("name", [
  Mit,
  MitPreset,
  Resnet,
  ResnetPreset,
  Swin,
  SwinPreset,
  Beit,
  BeitPreset,
]);
