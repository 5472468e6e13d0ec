/**
 * Swin Transformer: attention inside windows that shift from block to block.
 *
 * Source: Liu et al., "Swin Transformer" (ICCV 2021), https://arxiv.org/abs/2103.14030.
 * Names and shapes of the parameters are those of mmsegmentation's checkpoints.
 *
 * @module
 */
import type { Encoder, Layer } from "../core/network.ts";
import type * as tf from "../core/tf.ts";
import { layerNorm } from "../layers/normalization.ts";
import { derivedBuffersOf, parametersOf } from "../layers/parameter.ts";
import { patchEmbedding, patchMerging } from "../layers/patch_embedding.ts";
import { pipe, sequential } from "../layers/sequential.ts";
import {
  dropPathRates,
  feedForward,
  residualBranch,
} from "../layers/transformer_block.ts";
import {
  windowAttention,
  type WindowAttentionOptions,
} from "../layers/window_attention.ts";

/** The shape of a Swin Transformer; each list has one entry per stage. */
export interface SwinOptions {
  /** Channels of the first stage; they double per stage. */
  readonly embedDim: number;
  /** Blocks of each stage. */
  readonly depths: readonly number[];
  /** Attention heads; each divides the channels of its stage. */
  readonly numHeads: readonly number[];
  /** Side of a window, in pixels of a map. @default {7} */
  readonly windowSize?: number;
  /** Drop-path rate of the last block; it grows linearly from 0 at the first. */
  readonly dropPathRate: number;
  /** Channels of the images. @default {3} */
  readonly imageChannels?: number;
}

/** The published shapes; base and large exist with windows of 7 and of 12. */
export const SWIN_PRESETS = {
  "swin-t": { embedDim: 96, depths: [2, 2, 6, 2], numHeads: [3, 6, 12, 24] },
  "swin-s": { embedDim: 96, depths: [2, 2, 18, 2], numHeads: [3, 6, 12, 24] },
  "swin-b": { embedDim: 128, depths: [2, 2, 18, 2], numHeads: [4, 8, 16, 32] },
  "swin-l": { embedDim: 192, depths: [2, 2, 18, 2], numHeads: [6, 12, 24, 48] },
} as const satisfies Record<string, Omit<SwinOptions, "windowSize" | "dropPathRate">>;

const PATCH_SIZE = 4;
const DEFAULT_WINDOW = 7;
const MLP_RATIO = 4;

/**
 * Builds the encoder; its maps have strides 4, 8, 16 and 32, of images whose sides are
 * rounded up.
 *
 * @param name Prefix of the parameters, "backbone" in whole networks.
 * @throws {RangeError} If the lists differ in length, or heads do not divide channels.
 */
export function swin(
  name: string,
  {
    embedDim,
    depths,
    numHeads,
    windowSize = DEFAULT_WINDOW,
    dropPathRate,
    imageChannels = 3,
  }: SwinOptions,
): Encoder {
  if (depths.length !== numHeads.length) {
    throw new RangeError(
      'Cannot build a Swin Transformer: "depths" and "numHeads" must have one entry per ' +
        `stage: received ${depths.length} and ${numHeads.length}`,
    );
  }
  const stageChannels = depths.map((_, s) => embedDim * 2 ** s);
  const rates = dropPathRates(depths, dropPathRate);
  const embed = patchEmbedding(
    `${name}.patch_embed`,
    embedDim,
    PATCH_SIZE,
    imageChannels,
  );
  const stages = stageChannels.map((channels, s) => {
    const stage = `${name}.stages.${s}`;
    const blocks = (rates[s] ?? []).map((dropPath, k) =>
      swinBlock(`${stage}.blocks.${k}`, channels, {
        heads: numHeads[s] ?? 1,
        window: windowSize,
        shift: k % 2 === 0 ? 0 : Math.floor(windowSize / 2),
        dropPath,
      })
    );
    const isLast = s === depths.length - 1;
    return {
      blocks: sequential(blocks),
      norm: layerNorm(`${name}.norm${s}`, channels),
      merge: isLast ? pipe() : patchMerging(`${stage}.downsample`, channels),
    };
  });
  return {
    strides: stageChannels.map((_, s) => PATCH_SIZE * 2 ** s),
    channels: stageChannels,
    // In the order of PyTorch's state_dict: the norms of the outputs come last.
    parameters: parametersOf(
      embed,
      ...stages.flatMap(({ blocks, merge }) => [blocks, merge]),
      ...stages.map(({ norm }) => norm),
    ),
    derivedBuffers: derivedBuffersOf(...stages.map(({ blocks }) => blocks)),
    apply(weights, images, context) {
      const maps: tf.Tensor4D[] = [];
      let x = embed.apply(weights, images, context);
      for (const { blocks, norm, merge } of stages) {
        x = blocks.apply(weights, x, context);
        maps.push(norm.apply(weights, x, context));
        x = merge.apply(weights, x, context);
      }
      return maps;
    },
  };
}

/** x += dropPath(attention(norm1(x)));  x += dropPath(ffn(norm2(x))). */
function swinBlock(
  name: string,
  channels: number,
  { dropPath, ...options }: WindowAttentionOptions & { readonly dropPath: number },
): Layer {
  const norm1 = layerNorm(`${name}.norm1`, channels);
  const attention = windowAttention(`${name}.attn`, channels, options);
  const norm2 = layerNorm(`${name}.norm2`, channels);
  const ffn = feedForward(`${name}.ffn`, channels, MLP_RATIO * channels);
  return pipe(
    residualBranch(`${name}.attn`, norm1, attention, dropPath),
    residualBranch(`${name}.ffn`, norm2, ffn, dropPath),
  );
}
