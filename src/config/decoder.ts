/** The decoder of a run's network, and the head beside it. @module */

import { z } from "../core/zod.ts";
import { positive, share } from "./ranges.ts";
import {
  SEMI_DECODERS,
  type SemiDecoderConfig,
  SemiFcn,
  type SemiFcnConfig,
} from "./semi_decoder.ts";

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

/** A sum of dilated classifiers. Chen et al., "DeepLab", TPAMI 2018. */
export interface DeeplabV2Config {
  /** Which decoder it is. */
  readonly name: "deeplabv2";
  /** Of the parallel 3×3 classifiers, in pixels. */
  readonly dilations: readonly number[];
}

/** Means over grids of several sizes. Zhao et al., "PSPNet", CVPR 2017. */
export interface PspConfig {
  /** Which decoder it is. */
  readonly name: "psp";
  /** Channels of every level of the pyramid and of the fused map. */
  readonly channels: number;
  /** Cells per side of each grid. */
  readonly bins: readonly number[];
  /** Share of whole channels dropped before the classifier. */
  readonly dropout: number;
}

/** Dilated context refined by the finest map. Chen et al., "DeepLabV3+", ECCV 2018. */
export interface DeeplabV3PlusConfig {
  /** Which decoder it is. */
  readonly name: "deeplabv3+";
  /** Channels of every branch and of the fused map. */
  readonly channels: number;
  /** Channels that the finest map is reduced to. */
  readonly fineChannels: number;
  /** Dilations of the parallel 3×3 branches, in pixels. */
  readonly dilations: readonly number[];
  /** Share of whole channels dropped before the classifier. */
  readonly dropout: number;
}

/** A pyramid from coarse to fine. Xiao et al., "UPerNet", ECCV 2018. */
export interface UpernetConfig {
  /** Which decoder it is. */
  readonly name: "upernet";
  /** Channels of every level and of the fused map. */
  readonly channels: number;
  /** Cells per side of each grid of the coarsest level. */
  readonly bins: readonly number[];
  /** Share of whole channels dropped before the classifier. */
  readonly dropout: number;
}

/** Attention over interlaced and over close pixels. Huang et al., "ISANet", 2019. */
export interface IsaConfig {
  /** Which decoder it is. */
  readonly name: "isa";
  /** Channels of the maps. */
  readonly channels: number;
  /** Channels of keys and queries. */
  readonly relationChannels: number;
  /** Side of a cell of close pixels, in pixels of the map. */
  readonly cell: number;
  /** Share of whole channels dropped before the classifier. */
  readonly dropout: number;
}

/** Attention over places and over channels. Fu et al., "DANet", CVPR 2019. */
export interface DanetConfig {
  /** Which decoder it is. */
  readonly name: "danet";
  /** Channels of the maps. */
  readonly channels: number;
  /** Channels of keys and queries. */
  readonly reduced: number;
  /** Share of whole channels dropped before each classifier. */
  readonly dropout: number;
}

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
  | SemiDecoderConfig;

/**
 * A small head on one map, whose loss helps training and which predictions never see. Long
 * et al., "FCN", CVPR 2015.
 */
export interface FcnConfig {
  /** Which head it is. */
  readonly name: "fcn";
  /** The map it sees, counted from 0 for the finest. */
  readonly level: number;
  /** Channels of its convolution. */
  readonly channels: number;
  /** Share of whole channels dropped before the classifier. */
  readonly dropout: number;
  /** The factor of its loss; that of the decoder is 1. */
  readonly weight: number;
}

/** Which head stands beside the decoder, and its sizes. */
export type AuxiliaryConfig = FcnConfig | SemiFcnConfig;

const dropout = share.default(0.1);
const counts = z.array(positive).min(1);
const bins = counts.default([1, 2, 3, 6]);
const channels = positive.default(512);

const Daformer = z.strictObject({
  name: z.literal("daformer"),
  channels: positive.default(256),
  fusion: z.enum(["conv1", "aspp", "separable-aspp", "bottleneck", "isa"])
    .default("separable-aspp"),
  dilations: counts.default([1, 6, 12, 18]),
  dropout,
});

const Segformer = z.strictObject({
  name: z.literal("segformer"),
  channels: positive.default(256),
  dropout,
});

const DeeplabV2 = z.strictObject({
  name: z.literal("deeplabv2"),
  dilations: counts.default([6, 12]),
});

const Psp = z.strictObject({
  name: z.literal("psp"),
  channels,
  bins,
  dropout,
});

const DeeplabV3Plus = z.strictObject({
  name: z.literal("deeplabv3+"),
  channels,
  fineChannels: positive.default(48),
  dilations: counts.default([12, 24, 36]),
  dropout,
});

const Upernet = z.strictObject({ name: z.literal("upernet"), channels, bins, dropout });

const Isa = z.strictObject({
  name: z.literal("isa"),
  channels,
  relationChannels: positive.default(256),
  cell: positive.default(8),
  dropout,
});

const Danet = z.strictObject({
  name: z.literal("danet"),
  channels,
  reduced: positive.default(64),
  dropout,
});

const Fcn = z.strictObject({
  name: z.literal("fcn"),
  level: z.int().gte(0).lte(3).default(2),
  channels: positive.default(256),
  dropout,
  weight: z.number().positive().default(0.4),
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
  ...SEMI_DECODERS,
]);

/** Limits and defaults of {@linkcode AuxiliaryConfig}. */
export const AuxiliarySchema = z.discriminatedUnion("name", [Fcn, SemiFcn]);
