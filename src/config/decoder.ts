/** The decoder of a run's network, and its auxiliary head. @module */

import * as z from "../core/zod.ts";
import { fractionBelowOne, type PerStage, perStage, positiveInt } from "./ranges.ts";

/**
 * Embeds and concatenates all levels, and fuses them with context. Hoyer et al.,
 * "DAFormer", CVPR 2022.
 */
export interface DaformerConfig {
  /** Which decoder it is. */
  readonly name: "daformer";
  /** Channels of every level and of the fused map. */
  readonly channels: number;
  /** How the concatenated levels become one map. */
  readonly fusion: "conv1" | "aspp" | "separable-aspp" | "bottleneck" | "isa";
  /** Dilations of the parallel 3×3 branches, in pixels; 1 means a 1×1 branch. */
  readonly dilations: readonly number[];
  /** Whether the mean of the whole map is a branch of the ASPP, too. */
  readonly imagePool: boolean;
  /** Share of whole channels dropped before the classifier. */
  readonly dropout: number;
}

/** Adds up linear projections of the levels. Xie et al., "SegFormer", NeurIPS 2021. */
export interface SegformerConfig {
  /** Which decoder it is. */
  readonly name: "segformer";
  /** Channels of every projection; published sizes are 256 (B0, B1) and 768. */
  readonly channels: number;
  /** Side of the convolution that fuses the levels, in pixels; published are 1. */
  readonly fusionKernelSize: 1 | 3;
  /** Share of whole channels dropped before the classifier. */
  readonly dropout: number;
}

/** ASPP: a sum of parallel dilated classifiers. Chen et al., "DeepLab", TPAMI 2018. */
export interface DeeplabV2Config {
  /** Which decoder it is. */
  readonly name: "deeplabv2";
  /** Of the parallel 3×3 classifiers, in pixels. */
  readonly dilations: readonly number[];
}

/** Pyramid pooling module. Zhao et al., "PSPNet", CVPR 2017. */
export interface PspConfig {
  /** Which decoder it is. */
  readonly name: "psp";
  /** Channels of every level of the pyramid and of the fused map. */
  readonly channels: number;
  /** Output sizes of the adaptive average pooling. */
  readonly poolScales: readonly number[];
  /** Share of whole channels dropped before the classifier. */
  readonly dropout: number;
}

/** ASPP, refined by the finest map. Chen et al., "DeepLabV3+", ECCV 2018. */
export interface DeeplabV3PlusConfig {
  /** Which decoder it is. */
  readonly name: "deeplabv3+";
  /** Channels of every branch and of the fused map. */
  readonly channels: number;
  /** Channels that the finest map is reduced to. */
  readonly lowLevelChannels: number;
  /** Dilations of the parallel 3×3 branches, in pixels. */
  readonly dilations: readonly number[];
  /** Share of whole channels dropped before the classifier. */
  readonly dropout: number;
}

/** FPN with a pyramid pooling module. Xiao et al., "UPerNet", ECCV 2018. */
export interface UpernetConfig {
  /** Which decoder it is. */
  readonly name: "upernet";
  /** Channels of every level and of the fused map. */
  readonly channels: number;
  /** Output sizes of the adaptive average pooling of the coarsest level. */
  readonly poolScales: readonly number[];
  /** Share of whole channels dropped before the classifier. */
  readonly dropout: number;
}

/** Interlaced sparse self-attention. Huang et al., "ISANet", 2019. */
export interface IsaConfig {
  /** Which decoder it is. */
  readonly name: "isa";
  /** Channels of the maps. */
  readonly channels: number;
  /** Channels of keys and queries. */
  readonly isaChannels: number;
  /** Side of a cell of close pixels, in pixels of the map. */
  readonly downFactor: number;
  /** Share of whole channels dropped before the classifier. */
  readonly dropout: number;
}

/** Position and channel attention. Fu et al., "DANet", CVPR 2019. */
export interface DanetConfig {
  /** Which decoder it is. */
  readonly name: "danet";
  /** Channels of the maps. */
  readonly channels: number;
  /** Channels of keys and queries. */
  readonly pamChannels: number;
  /** Share of whole channels dropped before each classifier. */
  readonly dropout: number;
}

/**
 * Reassembles four maps and fuses them by residual units. Ranftl et al., "DPT", ICCV 2021;
 * as in Yang et al., "UniMatch V2", TPAMI 2025.
 */
export interface DptConfig {
  /** Which decoder it is. */
  readonly name: "dpt";
  /** Channels of the fused maps; UniMatch V2 has 64, 128 and 256 for DINOv2-S, B and L. */
  readonly channels: number;
  /**
   * Channels of the levels before, from fine to coarse; UniMatch V2 has [48, 96, 192, 384],
   * [96, 192, 384, 768] and [256, 512, 1024, 1024].
   */
  readonly levelChannels: PerStage;
}

/**
 * Enlarges the coarsest map by transposed convolutions. Englert et al., "VFM-UDA", CVPR
 * workshops 2024.
 */
export interface VfmUdaConfig {
  /** Which decoder it is. */
  readonly name: "vfm-uda";
}

/**
 * Lite reduced ASPP, a light decoder: the coarsest map, its channels weighted by their
 * means, and a finer one. Howard et al., "Searching for MobileNetV3", ICCV 2019.
 */
export interface LrasppConfig {
  /** Which decoder it is. */
  readonly name: "lraspp";
  /** Channels of the coarsest map before it is classified. */
  readonly channels: number;
  /** The finer map, counted from 0 for the finest; logits have its resolution. */
  readonly lowIndex: number;
}

/** ASPP: a sum of parallel dilated classifiers. Chen et al., "DeepLab", TPAMI 2018. */
export interface SemiDeeplabV2Config {
  /** Which decoder it is. */
  readonly name: "semi-deeplabv2";
  /** Of the parallel 3×3 classifiers, in pixels. */
  readonly dilations: readonly number[];
}

/**
 * ASPP with standard convolutions, refined by the finest map, and a representation of
 * every pixel. Chen et al., "DeepLabV3+", ECCV 2018; Wang et al.,
 * "U2PL", CVPR 2022.
 */
export interface SemiDeeplabV3PlusConfig {
  /** Which decoder it is. */
  readonly name: "semi-deeplabv3+";
  /** Channels of the fine map, of the fused map and of the representation. */
  readonly channels: number;
  /** Channels of every dilated branch. */
  readonly innerPlanes: number;
  /** Dilations of the parallel 3×3 branches, in pixels. */
  readonly dilations: readonly number[];
  /** Whether there is a representation of every pixel, for `method.contrastive`. */
  readonly representationHead: boolean;
  /** Share of whole channels dropped, after the branches and before the classifier. */
  readonly dropout: number;
}

/**
 * Pyramid pooling module, and logits upsampled by pixel shuffle. Zhao et al.,
 * "PSPNet", CVPR 2017.
 */
export interface SemiPspConfig {
  /** Which decoder it is. */
  readonly name: "semi-psp";
  /** Channels of every level of the pyramid and of the fused map. */
  readonly channels: number;
  /** Output sizes of the adaptive average pooling. */
  readonly poolScales: readonly number[];
}

/** Which decoder of the semi-supervised networks it is, and its sizes. */
export type SemiSupervisedDecoderConfig =
  | SemiDeeplabV2Config
  | SemiDeeplabV3PlusConfig
  | SemiPspConfig;

/** Which decoder it is, and its sizes. */
export type DecoderConfig =
  | DaformerConfig
  | SegformerConfig
  | DeeplabV2Config
  | PspConfig
  | DeeplabV3PlusConfig
  | UpernetConfig
  | IsaConfig
  | DanetConfig
  | DptConfig
  | VfmUdaConfig
  | LrasppConfig
  | SemiSupervisedDecoderConfig;

/**
 * A small head on one map, whose loss helps training and which predictions never see. Long
 * et al., "FCN", CVPR 2015.
 */
export interface FcnHeadConfig {
  /** Which head it is. */
  readonly name: "fcn";
  /** The map it sees, counted from 0 for the finest. */
  readonly inIndex: number;
  /** Channels of its convolution. */
  readonly channels: number;
  /** Share of whole channels dropped before the classifier. */
  readonly dropout: number;
  /** The factor of its loss; that of the decoder is 1. */
  readonly lossWeight: number;
}

/** The small head on the third map. Long et al., "FCN", CVPR 2015. */
export interface SemiFcnHeadConfig {
  /** Which head it is. */
  readonly name: "semi-fcn";
  /** Channels of its convolution. */
  readonly channels: number;
  /** Share of whole channels dropped before the classifier. */
  readonly dropout: number;
  /** The factor of its loss; that of the decoder is 1. */
  readonly lossWeight: number;
}

/** Which auxiliary head it is, and its sizes. */
export type AuxiliaryHeadConfig = FcnHeadConfig | SemiFcnHeadConfig;

const dropout = fractionBelowOne.default(0.1);
/** More would be pools, branches or strides of more than a map has pixels. */
const positiveInts = z.array(z.int().positive().lte(256)).min(1).max(64);
const poolScales = positiveInts.default([1, 2, 3, 6]);
const channels = positiveInt.default(512);

const Daformer = z.strictObject({
  name: z.literal("daformer"),
  channels: positiveInt.default(256),
  fusion: z.enum(["conv1", "aspp", "separable-aspp", "bottleneck", "isa"])
    .default("separable-aspp"),
  dilations: positiveInts.default([1, 6, 12, 18]),
  imagePool: z.boolean().default(false),
  dropout,
});

const Segformer = z.strictObject({
  name: z.literal("segformer"),
  channels: positiveInt.default(256),
  fusionKernelSize: z.literal([1, 3]).default(1),
  dropout,
});

const DeeplabV2 = z.strictObject({
  name: z.literal("deeplabv2"),
  dilations: positiveInts.default([6, 12]),
});

const Psp = z.strictObject({
  name: z.literal("psp"),
  channels,
  poolScales,
  dropout,
});

const DeeplabV3Plus = z.strictObject({
  name: z.literal("deeplabv3+"),
  channels,
  lowLevelChannels: positiveInt.default(48),
  dilations: positiveInts.default([12, 24, 36]),
  dropout,
});

const Upernet = z.strictObject({
  name: z.literal("upernet"),
  channels,
  poolScales,
  dropout,
});

const Isa = z.strictObject({
  name: z.literal("isa"),
  channels,
  isaChannels: positiveInt.default(256),
  downFactor: z.int().positive().lte(256).default(8),
  dropout,
});

const Danet = z.strictObject({
  name: z.literal("danet"),
  channels,
  pamChannels: positiveInt.default(64),
  dropout,
});

const Dpt = z.strictObject({
  name: z.literal("dpt"),
  channels: positiveInt.default(64),
  levelChannels: perStage.default([48, 96, 192, 384]),
});

const VfmUda = z.strictObject({ name: z.literal("vfm-uda") });

const Lraspp = z.strictObject({
  name: z.literal("lraspp"),
  channels: positiveInt.default(128),
  lowIndex: z.int().gte(0).lte(2).default(1),
});

const Fcn = z.strictObject({
  name: z.literal("fcn"),
  inIndex: z.int().gte(0).lte(3).default(2),
  channels: positiveInt.default(256),
  dropout,
  lossWeight: z.number().positive().default(0.4),
});

/** Limits and defaults of {@linkcode SemiSupervisedDecoderConfig}. */
const SEMI_SUPERVISED_DECODERS = [
  z.strictObject({
    name: z.literal("semi-deeplabv2"),
    dilations: positiveInts.default([6, 12, 18, 24]),
  }),
  z.strictObject({
    name: z.literal("semi-deeplabv3+"),
    channels: positiveInt.default(256),
    innerPlanes: positiveInt.default(256),
    dilations: positiveInts.default([12, 24, 36]),
    representationHead: z.boolean().default(true),
    dropout,
  }),
  z.strictObject({
    name: z.literal("semi-psp"),
    channels: positiveInt.default(512),
    poolScales: positiveInts.default([1, 2, 3, 6]),
  }),
] as const;

/** Limits and defaults of {@linkcode SemiFcnHeadConfig}. */
const SemiFcn = z.strictObject({
  name: z.literal("semi-fcn"),
  channels: positiveInt.default(256),
  dropout,
  lossWeight: z.number().positive().default(0.4),
});

/** Limits and defaults of {@linkcode DecoderConfig}. */
export const DecoderSchema = z.discriminatedUnion("name", [
  Daformer,
  Segformer,
  DeeplabV2,
  Psp,
  DeeplabV3Plus,
  Upernet,
  Isa,
  Danet,
  Dpt,
  VfmUda,
  Lraspp,
  ...SEMI_SUPERVISED_DECODERS,
]);

/** Limits and defaults of {@linkcode AuxiliaryHeadConfig}. */
export const AuxiliaryHeadSchema = z.discriminatedUnion("name", [Fcn, SemiFcn]);
