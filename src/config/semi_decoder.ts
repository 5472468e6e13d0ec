/** The decoders of the published semi-supervised networks. @module */

import { z } from "../core/zod.ts";
import { positive, share } from "./ranges.ts";

/** A sum of dilated classifiers. Chen et al., "DeepLab", TPAMI 2018. */
export interface SemiDeeplabV2Config {
  /** Which decoder it is. */
  readonly name: "semi-deeplabv2";
  /** Of the parallel 3×3 classifiers, in pixels. */
  readonly dilations: readonly number[];
}

/**
 * Dilated context refined by the finest map, all in full convolutions, beside a
 * representation of every pixel. Chen et al., "DeepLabV3+", ECCV 2018; Wang et al.,
 * "U2PL", CVPR 2022.
 */
export interface SemiDeeplabV3PlusConfig {
  /** Which decoder it is. */
  readonly name: "semi-deeplabv3+";
  /** Channels of the fine map, of the fused map and of the representation. */
  readonly channels: number;
  /** Channels of every dilated branch. */
  readonly inner: number;
  /** Dilations of the parallel 3×3 branches, in pixels. */
  readonly dilations: readonly number[];
  /** Share of whole channels dropped, after the branches and before the classifier. */
  readonly dropout: number;
}

/**
 * Means over grids of several sizes, and logits enlarged by pixel shuffles. Zhao et al.,
 * "PSPNet", CVPR 2017.
 */
export interface SemiPspConfig {
  /** Which decoder it is. */
  readonly name: "semi-psp";
  /** Channels of every level of the pyramid and of the fused map. */
  readonly channels: number;
  /** Cells per side of each grid. */
  readonly bins: readonly number[];
}

/** Which decoder of the semi-supervised networks it is, and its sizes. */
export type SemiDecoderConfig =
  | SemiDeeplabV2Config
  | SemiDeeplabV3PlusConfig
  | SemiPspConfig;

/** The small head on the third map. Long et al., "FCN", CVPR 2015. */
export interface SemiFcnConfig {
  /** Which head it is. */
  readonly name: "semi-fcn";
  /** Channels of its convolution. */
  readonly channels: number;
  /** Share of whole channels dropped before the classifier. */
  readonly dropout: number;
  /** The factor of its loss; that of the decoder is 1. */
  readonly weight: number;
}

const dropout = share.default(0.1);
const counts = z.array(positive).min(1);

/** Limits and defaults of {@linkcode SemiDecoderConfig}. */
export const SEMI_DECODERS = [
  z.strictObject({
    name: z.literal("semi-deeplabv2"),
    dilations: counts.default([6, 12, 18, 24]),
  }),
  z.strictObject({
    name: z.literal("semi-deeplabv3+"),
    channels: positive.default(256),
    inner: positive.default(256),
    dilations: counts.default([12, 24, 36]),
    dropout,
  }),
  z.strictObject({
    name: z.literal("semi-psp"),
    channels: positive.default(512),
    bins: counts.default([1, 2, 3, 6]),
  }),
] as const;

/** Limits and defaults of {@linkcode SemiFcnConfig}. */
export const SemiFcn = z.strictObject({
  name: z.literal("semi-fcn"),
  channels: positive.default(256),
  dropout,
  weight: z.number().positive().default(0.4),
});
