/** The encoder of a run's network: image → feature maps from fine to coarse. @module */

import * as z from "../core/zod.ts";
import {
  blockCount,
  blocksPerStage,
  fractionBelowOne,
  type PerStage,
  perStage,
  positiveInt,
} from "./ranges.ts";

/** A Mix Transformer of any size. Xie et al., "SegFormer", NeurIPS 2021. */
export interface MitConfig {
  /** Its sizes are given here. */
  readonly name: "mit";
  /** Channels. Each is a multiple of the stage's `numHeads`. */
  readonly embedDims: PerStage;
  /** Transformer blocks. */
  readonly depths: PerStage;
  /** Attention heads. */
  readonly numHeads: PerStage;
  /** Keys and values come from a grid this many times coarser, per side. */
  readonly srRatios: PerStage;
  /** Share of residual branches dropped in the last block; earlier ones drop less. */
  readonly dropPathRate: number;
}

/** A Mix Transformer in a published size. */
export interface MitPresetConfig {
  /** Stands for the paper's channels, depths, heads and reductions. */
  readonly name: "mit-b0" | "mit-b1" | "mit-b2" | "mit-b3" | "mit-b4" | "mit-b5";
  /** Share of residual branches dropped in the last block; earlier ones drop less. */
  readonly dropPathRate: number;
}

/**
 * A ResNet with bottlenecks and dilated last stages, of any size. "resnet" is V1c of He et
 * al., "Bag of Tricks", CVPR 2019; "resnet-multigrid" that of the semi-supervised branch.
 */
export interface ResnetConfig {
  /** Its sizes are given here. */
  readonly name: "resnet" | "resnet-multigrid";
  /** Blocks. */
  readonly depths: PerStage;
  /** Channels after the stem, even; null: as many as published. */
  readonly stemChannels: number | null;
  /** Channels inside the blocks of the first stage; they double per stage. */
  readonly baseChannels: number;
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
  readonly embedDim: number;
  /** Transformer blocks. */
  readonly depths: PerStage;
  /** Attention heads; each divides the stage's channels. */
  readonly numHeads: PerStage;
  /** Side of a window, in tokens. */
  readonly windowSize: number;
  /** Share of residual branches dropped in the last block; earlier ones drop less. */
  readonly dropPathRate: number;
}

/** A Swin Transformer in a published size. */
export interface SwinPresetConfig {
  /** Stands for the paper's channels, depths and heads. */
  readonly name: "swin-t" | "swin-s" | "swin-b" | "swin-l";
  /** Side of a window, in tokens; published are 7 and 12. */
  readonly windowSize: number;
  /** Share of residual branches dropped in the last block; earlier ones drop less. */
  readonly dropPathRate: number;
}

/** A BEiT of any size with a pyramid of its layers. Bao et al., ICLR 2022. */
export interface BeitConfig {
  /** Its sizes are given here. */
  readonly name: "beit";
  /** Channels. A multiple of `numHeads`. */
  readonly embedDim: number;
  /** Transformer blocks. */
  readonly depth: number;
  /** Attention heads. */
  readonly numHeads: number;
  /** Blocks, counted from 0, whose outputs become the maps of strides 4, 8, 16 and 32. */
  readonly outIndices: PerStage;
  /** Longest side of an image, in pixels; the position tables are made for it. */
  readonly imageSize: number;
  /** Share of residual branches dropped in the last block; earlier ones drop less. */
  readonly dropPathRate: number;
  /** What residual branches are multiplied with at the start. */
  readonly layerScaleInit: number;
}

/** A BEiT in a published size. */
export interface BeitPresetConfig {
  /** Stands for the paper's channels, depth and heads. */
  readonly name: "beit-b" | "beit-l";
  /** Longest side of an image, in pixels; the position tables are made for it. */
  readonly imageSize: number;
  /** Share of residual branches dropped in the last block; earlier ones drop less. */
  readonly dropPathRate: number;
}

/** What DINOv2 of all sizes have in common. */
export interface Dinov2Settings {
  /** Whether there are four registers, as in the published files named `_reg4`. */
  readonly registers: boolean;
  /**
   * Side of the images that the table of positions is made for, in pixels; published is
   * 518. The table is resized to images of other sizes.
   */
  readonly imageSize: number;
  /**
   * Images are resized to a multiple of 14 first. 1: to the nearest, as UniMatch V2; else,
   * as VFM-UDA with 1.1, by this factor and down.
   */
  readonly inputScale: number;
  /** Share of residual branches dropped in the last block; earlier ones drop less. */
  readonly dropPathRate: number;
}

/** A DINOv2 of any size. Oquab et al., TMLR 2024. */
export interface Dinov2Config extends Dinov2Settings {
  /** Its sizes are given here. */
  readonly name: "dinov2";
  /** Channels. A multiple of `numHeads`. */
  readonly embedDim: number;
  /** Transformer blocks. */
  readonly depth: number;
  /** Attention heads. */
  readonly numHeads: number;
  /** Blocks, counted from 0, whose outputs become the maps, all of stride 14. */
  readonly outIndices: PerStage;
  /** What residual branches are multiplied with at the start. */
  readonly layerScaleInit: number;
}

/** A DINOv2 in a published size. */
export interface Dinov2PresetConfig extends Dinov2Settings {
  /** Stands for the paper's channels, depth and heads, and UniMatch V2's maps. */
  readonly name: "dinov2-small" | "dinov2-base" | "dinov2-large";
}

/**
 * An EfficientNet-Lite of any size: inverted residual blocks with ReLU6. Tan and Le,
 * "EfficientNet", ICML 2019.
 */
export interface EfficientnetLiteConfig {
  /** Its sizes are given here. */
  readonly name: "efficientnet-lite";
  /** What the channels of Lite0 are multiplied with, then made multiples of 8. */
  readonly widthCoefficient: number;
  /** What the blocks of Lite0 are multiplied with, per stage, rounded up. */
  readonly depthCoefficient: number;
  /** Share of residual branches dropped towards the last block; earlier ones drop less. */
  readonly dropPathRate: number;
}

/** An EfficientNet-Lite in a published size. */
export interface EfficientnetLitePresetConfig {
  /** Stands for the published coefficients. */
  readonly name: "efficientnet-lite0" | "efficientnet-lite1" | "efficientnet-lite2";
  /** Share of residual branches dropped towards the last block; earlier ones drop less. */
  readonly dropPathRate: number;
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
  | BeitPresetConfig
  | Dinov2Config
  | Dinov2PresetConfig
  | EfficientnetLiteConfig
  | EfficientnetLitePresetConfig;

type ReportIssue = (path: (string | number)[], message: string) => void;

const reporter = (context: z.core.$RefinementCtx): ReportIssue => (path, message) =>
  context.addIssue({ code: "custom", path, message });

function checkHeadsDivide(
  embedDims: readonly number[],
  numHeads: readonly number[],
  path: string,
  report: ReportIssue,
): void {
  embedDims.forEach((embedDim, stage) => {
    const count = numHeads[stage] ?? 1;
    if (embedDim % count === 0) return;
    report(
      [path, stage],
      `must be a multiple of the stage's ${count} heads: received ${embedDim}`,
    );
  });
}

const Mit = z.strictObject({
  name: z.literal("mit"),
  embedDims: perStage,
  depths: blocksPerStage,
  numHeads: perStage.default([1, 2, 5, 8]),
  srRatios: perStage.default([8, 4, 2, 1]),
  dropPathRate: fractionBelowOne.default(0.1),
}).superRefine(({ embedDims, numHeads }, context) =>
  checkHeadsDivide(embedDims, numHeads, "embedDims", reporter(context))
);

const MitPreset = z.strictObject({
  name: z.enum(["mit-b0", "mit-b1", "mit-b2", "mit-b3", "mit-b4", "mit-b5"]),
  dropPathRate: fractionBelowOne.default(0.1),
});

const Resnet = z.strictObject({
  name: z.enum(["resnet", "resnet-multigrid"]),
  depths: blocksPerStage,
  stemChannels: positiveInt.multipleOf(2).nullable().default(null),
  baseChannels: positiveInt.default(64),
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
  embedDim: positiveInt,
  depths: blocksPerStage,
  numHeads: perStage,
  windowSize: positiveInt.default(7),
  dropPathRate: fractionBelowOne.default(0.3),
}).superRefine(({ embedDim, numHeads }, context) =>
  numHeads.forEach((count, stage) => {
    const channels = embedDim * 2 ** stage;
    if (channels % count === 0) return;
    reporter(context)(
      ["numHeads", stage],
      `must divide the stage's ${channels} channels: received ${count}`,
    );
  })
);

const SwinPreset = z.strictObject({
  name: z.enum(["swin-t", "swin-s", "swin-b", "swin-l"]),
  windowSize: positiveInt.default(7),
  dropPathRate: fractionBelowOne.default(0.3),
});

const plainTransformer = {
  embedDim: positiveInt,
  depth: blockCount,
  numHeads: positiveInt,
  outIndices: z.tuple([
    z.int().nonnegative(),
    z.int().nonnegative(),
    z.int().nonnegative(),
    z.int().nonnegative(),
  ]),
};

function checkPlainTransformer(
  { embedDim, depth, numHeads, outIndices }: Pick<
    BeitConfig,
    keyof typeof plainTransformer
  >,
  context: z.core.$RefinementCtx,
): void {
  const report = reporter(context);
  if (embedDim % numHeads !== 0) {
    report(
      ["embedDim"],
      `must be a multiple of the ${numHeads} heads: received ${embedDim}`,
    );
  }
  outIndices.forEach((block, level) => {
    if (block >= depth) {
      report(
        ["outIndices", level],
        `must be below the depth ${depth}: received ${block}`,
      );
    } else if (level > 0 && block <= (outIndices[level - 1] ?? -1)) {
      report(["outIndices", level], `must be above the one before it: received ${block}`);
    }
  });
}

const Beit = z.strictObject({
  name: z.literal("beit"),
  ...plainTransformer,
  imageSize: positiveInt.multipleOf(16).default(640),
  dropPathRate: fractionBelowOne.default(0.1),
  layerScaleInit: z.number().positive().default(0.1),
}).superRefine(checkPlainTransformer);

const BeitPreset = z.strictObject({
  name: z.enum(["beit-b", "beit-l"]),
  imageSize: positiveInt.multipleOf(16).default(640),
  dropPathRate: fractionBelowOne.default(0.1),
});

const dinov2Settings = {
  registers: z.boolean().default(false),
  imageSize: positiveInt.multipleOf(14).default(518),
  inputScale: z.number().gte(1).lte(4).multipleOf(0.01).default(1),
  dropPathRate: fractionBelowOne.default(0),
};

const Dinov2 = z.strictObject({
  name: z.literal("dinov2"),
  ...plainTransformer,
  ...dinov2Settings,
  layerScaleInit: z.number().positive().default(1),
}).superRefine(checkPlainTransformer);

const Dinov2Preset = z.strictObject({
  name: z.enum(["dinov2-small", "dinov2-base", "dinov2-large"]),
  ...dinov2Settings,
});

/** More would be wider and deeper than EfficientNet-B7. */
const coefficient = z.number().positive().lte(4);

const EfficientnetLite = z.strictObject({
  name: z.literal("efficientnet-lite"),
  widthCoefficient: coefficient.default(1),
  depthCoefficient: coefficient.default(1),
  dropPathRate: fractionBelowOne.default(0.2),
});

const EfficientnetLitePreset = z.strictObject({
  name: z.enum(["efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"]),
  dropPathRate: fractionBelowOne.default(0.2),
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
  Dinov2,
  Dinov2Preset,
  EfficientnetLite,
  EfficientnetLitePreset,
]);
