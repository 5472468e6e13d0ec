/**
 * Mix Transformer, the encoder of SegFormer and DAFormer.
 *
 * Source: Xie et al., "SegFormer" (NeurIPS 2021), https://arxiv.org/abs/2105.15203.
 * Names and shapes of the parameters are those of the published checkpoints.
 *
 * @module
 */
import type { Encoder, Layer } from "../core/network.ts";
import type * as tf from "../core/tf.ts";
import { convolution, depthwiseConvolution } from "../layers/convolution.ts";
import { withImageFilter } from "../layers/image_filter.ts";
import { linear } from "../layers/linear.ts";
import { layerNorm } from "../layers/normalization.ts";
import { parametersOf } from "../layers/parameter.ts";
import { reducedAttention } from "../layers/reduced_attention.ts";
import { pipe, sequential, withoutParameters } from "../layers/sequential.ts";
import { dropPathRates, residualBranch } from "../layers/transformer_block.ts";
import { gelu } from "../ops/gelu/gelu.ts";

/** The shape of a Mix Transformer; each list has one entry per stage. */
export interface MitOptions {
  /** Channels of each stage. */
  readonly embedDims: readonly number[];
  /** Blocks of each stage. */
  readonly depths: readonly number[];
  /** Attention heads; each divides the channels of its stage. */
  readonly numHeads: readonly number[];
  /** By how much keys and values are coarser than queries, per axis. */
  readonly srRatios: readonly number[];
  /** Drop-path rate of the last block; it grows linearly from 0 at the first. */
  readonly dropPathRate: number;
  /** Channels of the images. @default {3} */
  readonly imageChannels?: number;
}

const B0_CHANNELS = [32, 64, 160, 256];
const B1_TO_B5_CHANNELS = [64, 128, 320, 512];
const mitPreset = (embedDims: readonly number[], ...depths: number[]) => ({
  embedDims,
  depths,
  numHeads: [1, 2, 5, 8],
  srRatios: [8, 4, 2, 1],
});

/** The published shapes. */
export const MIT_PRESETS = {
  "mit-b0": mitPreset(B0_CHANNELS, 2, 2, 2, 2),
  "mit-b1": mitPreset(B1_TO_B5_CHANNELS, 2, 2, 2, 2),
  "mit-b2": mitPreset(B1_TO_B5_CHANNELS, 3, 4, 6, 3),
  "mit-b3": mitPreset(B1_TO_B5_CHANNELS, 3, 4, 18, 3),
  "mit-b4": mitPreset(B1_TO_B5_CHANNELS, 3, 8, 27, 3),
  "mit-b5": mitPreset(B1_TO_B5_CHANNELS, 3, 6, 40, 3),
} as const;

const MLP_RATIO = 4;
const BLOCK_EPSILON = 1e-6;

/**
 * Builds the encoder; its maps have strides 4, 8, 16 and 32.
 *
 * @param name Prefix of the parameters, "backbone" in whole networks.
 * @throws {RangeError} If the lists differ in length, or heads do not divide channels.
 */
export function mit(
  name: string,
  {
    embedDims: channels,
    depths,
    numHeads,
    srRatios,
    dropPathRate,
    imageChannels = 3,
  }: MitOptions,
): Encoder {
  const lengths = new Set(
    [channels, depths, numHeads, srRatios].map((list) => list.length),
  );
  if (lengths.size !== 1) {
    throw new RangeError(
      'Cannot build a Mix Transformer: "embedDims", "depths", "numHeads" and ' +
        `"srRatios" must have one entry per stage: received ${channels.length}, ${depths.length}, ` +
        `${numHeads.length} and ${srRatios.length}`,
    );
  }
  const rates = dropPathRates(depths, dropPathRate);
  const stages = channels.map((stageChannels, s) => {
    const stage = s + 1;
    const blocks = (rates[s] ?? []).map((dropPath, k) =>
      mitBlock(`${name}.block${stage}.${k}`, stageChannels, {
        heads: numHeads[s] ?? 1,
        reduction: srRatios[s] ?? 1,
        dropPath,
      })
    );
    const norm = layerNorm(`${name}.norm${stage}`, stageChannels, BLOCK_EPSILON);
    return {
      embed: overlapPatchEmbedding(
        `${name}.patch_embed${stage}`,
        channels[s - 1] ?? imageChannels,
        stageChannels,
        s === 0
          ? { kernelSize: 7, stride: 4, readsImages: true }
          : { kernelSize: 3, stride: 2 },
      ),
      blocks: sequential([...blocks, norm]),
    };
  });
  return {
    strides: channels.map((_, s) => 4 * 2 ** s),
    channels,
    // In the order of PyTorch's state_dict: all embeddings come first.
    parameters: parametersOf(
      ...stages.map(({ embed }) => embed),
      ...stages.map(({ blocks }) => blocks),
    ),
    apply(weights, images, context) {
      const maps: tf.Tensor4D[] = [];
      let x = images;
      for (const { embed, blocks } of stages) {
        x = blocks.apply(weights, embed.apply(weights, x, context), context);
        maps.push(x);
      }
      return maps;
    },
  };
}

function overlapPatchEmbedding(
  name: string,
  inChannels: number,
  outChannels: number,
  { kernelSize, stride, readsImages = false }: {
    readonly kernelSize: number;
    readonly stride: number;
    readonly readsImages?: boolean;
  },
): Layer {
  const padding = Math.floor(kernelSize / 2);
  const options = { kernelSize, stride, padding };
  const projection = convolution(`${name}.proj`, inChannels, outChannels, options);
  return pipe(
    readsImages ? withImageFilter(projection, `${name}.proj.weight`) : projection,
    layerNorm(`${name}.norm`, outChannels),
  );
}

/** x += dropPath(attention(norm1(x)));  x += dropPath(mlp(norm2(x))). */
function mitBlock(
  name: string,
  channels: number,
  { dropPath, ...options }: {
    readonly heads: number;
    readonly reduction: number;
    readonly dropPath: number;
  },
): Layer {
  const norm1 = layerNorm(`${name}.norm1`, channels, BLOCK_EPSILON);
  const attention = reducedAttention(`${name}.attn`, channels, options);
  const norm2 = layerNorm(`${name}.norm2`, channels, BLOCK_EPSILON);
  const mlp = mixFfn(`${name}.mlp`, channels);
  return pipe(
    residualBranch(`${name}.attn`, norm1, attention, dropPath),
    residualBranch(`${name}.mlp`, norm2, mlp, dropPath),
  );
}

/** fc2(gelu(depthwise 3×3(fc1(x)))) with four times as many channels in between. */
function mixFfn(name: string, channels: number): Layer {
  const hidden = MLP_RATIO * channels;
  const kernelSize = 3;
  const fc1 = linear(`${name}.fc1`, channels, hidden);
  const depthwise = depthwiseConvolution(`${name}.dwconv.dwconv`, hidden, {
    kernelSize,
    fanOut: kernelSize ** 2,
  });
  const fc2 = linear(`${name}.fc2`, hidden, channels);
  return pipe(fc1, depthwise, withoutParameters(gelu), fc2);
}
