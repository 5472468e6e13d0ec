/** The network of a run: an encoder and a decoder, by name. @module */

import * as z from "../core/zod.ts";
import {
  type AuxiliaryHeadConfig,
  AuxiliaryHeadSchema,
  type DecoderConfig,
  DecoderSchema,
} from "./decoder.ts";
import { type EncoderConfig, EncoderSchema } from "./encoder.ts";
import { fractionBelowOne, positiveInt, type Size, SizeSchema } from "./ranges.ts";

/**
 * Context and details: the encoder and the decoder see the whole image scaled down, and a
 * crop of it as it is, and a learned attention per class and pixel decides between them.
 * Hoyer et al., "HRDA", ECCV 2022.
 */
export interface MultiResolutionConfig {
  /**
   * Size of the detail crop in pixels; published are half the sides of `data.cropSize`.
   * Multiples of `coordinateDivisor`.
   */
  readonly detailSize: Size;
  /** Size of the context relative to the image. */
  readonly contextScale: number;
  /** Channels of the decoder that the attention comes from. */
  readonly attentionChannels: number;
  /** The factor of the loss of the detail crop; that of the prediction is 1 less this. */
  readonly detailLossWeight: number;
  /**
   * Detail crops begin at multiples of so many pixels: a multiple of the stride of the
   * decoder's logits over `contextScale`, which is 8 for a stride of 4.
   */
  readonly coordinateDivisor: number;
}

/** Encoder, decoder and where their weights start. */
export interface ModelConfig {
  /** Image → feature maps from fine to coarse. */
  readonly encoder: EncoderConfig;
  /** Feature maps → logits. */
  readonly decoder: DecoderConfig;
  /** A second head that helps training; null: none. */
  readonly auxiliaryHead: AuxiliaryHeadConfig | null;
  /** Images at two resolutions; null: at one. */
  readonly multiResolution: MultiResolutionConfig | null;
  /**
   * Weights of the encoder or of a whole network: a safetensors or PyTorch file in any
   * naming scheme, a name that `deno task download --list` shows, or a URL; null: random.
   */
  readonly pretrained: string | null;
  /** Weights of `pretrained` that are left out, with `*` for any text. */
  readonly excludeKeys: readonly string[];
  /**
   * The encoder's blocks keep only their inputs for the gradient and compute the rest
   * again: less memory, more time. No result depends on it.
   */
  readonly activationCheckpointing: boolean;
  /**
   * Where several ranks train together, batch norm has the statistics of the whole batch, as
   * PyTorch's `SyncBatchNorm`; false: those of each rank's part of it, which saves exchanges.
   */
  readonly syncBatchNorm: boolean;
}

const MultiResolution = z.strictObject({
  detailSize: SizeSchema,
  contextScale: z.number().gt(0).lte(1).default(0.5),
  attentionChannels: positiveInt.default(256),
  detailLossWeight: fractionBelowOne.default(0.1),
  coordinateDivisor: positiveInt.default(8),
});

/** Limits and defaults of {@linkcode ModelConfig}. */
export const ModelSchema: z.ZodType<ModelConfig> = z.strictObject({
  encoder: EncoderSchema,
  decoder: DecoderSchema.prefault({ name: "daformer" }),
  auxiliaryHead: AuxiliaryHeadSchema.nullable().default(null),
  multiResolution: MultiResolution.nullable().default(null),
  pretrained: z.string().min(1).nullable().default(null),
  excludeKeys: z.array(z.string().min(1)).default([]),
  activationCheckpointing: z.boolean().default(false),
  syncBatchNorm: z.boolean().default(true),
});
