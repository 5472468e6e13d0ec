/** The network of a run: an encoder and a decoder, by name. @module */

import * as z from "../core/zod.ts";
import {
  type AuxiliaryHeadConfig,
  AuxiliaryHeadSchema,
  type DecoderConfig,
  DecoderSchema,
} from "./decoder.ts";
import { type EncoderConfig, EncoderSchema } from "./encoder.ts";

/** Encoder, decoder and where their weights start. */
export interface ModelConfig {
  /** Image → feature maps from fine to coarse. */
  readonly encoder: EncoderConfig;
  /** Feature maps → logits. */
  readonly decoder: DecoderConfig;
  /** A second head that helps training; null: none. */
  readonly auxiliaryHead: AuxiliaryHeadConfig | null;
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
}

/** Limits and defaults of {@linkcode ModelConfig}. */
export const ModelSchema: z.ZodType<ModelConfig> = z.strictObject({
  encoder: EncoderSchema,
  decoder: DecoderSchema.prefault({ name: "daformer" }),
  auxiliaryHead: AuxiliaryHeadSchema.nullable().default(null),
  pretrained: z.string().min(1).nullable().default(null),
  excludeKeys: z.array(z.string().min(1)).default([]),
  activationCheckpointing: z.boolean().default(false),
});
