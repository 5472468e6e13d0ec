/**
 * BEiT: a plain Vision Transformer with relative positions, as an encoder of four maps of
 * one resolution.
 *
 * Source: Bao et al., "BEiT" (ICLR 2022), https://arxiv.org/abs/2106.08254. Names and
 * shapes of the parameters are those of mmsegmentation's checkpoints.
 *
 * @module
 */
import { type Encoder, type Layer, type Parameter, weightOf } from "../core/network.ts";
import type * as tf from "../core/tf.ts";
import { checkpointable, type MapAccessor } from "../layers/activation_checkpoint.ts";
import { withImageFilter } from "../layers/image_filter.ts";
import { beitAttention, type TokenSequence } from "../layers/beit_attention.ts";
import { convolution } from "../layers/convolution.ts";
import { layerNorm } from "../layers/normalization.ts";
import { derivedBuffersOf, parameter, parametersOf } from "../layers/parameter.ts";
import { pipe } from "../layers/sequential.ts";
import { gridMap, prependTokens } from "../layers/token_sequence.ts";
import {
  dropPathRates,
  feedForward,
  layerScale,
  residualBranch,
} from "../layers/transformer_block.ts";
import type { TokenGrid } from "../ops/position_bias/position_bias.ts";
import { padToMultiple } from "../ops/pad_to_multiple.ts";

/** The shape of a BEiT. */
export interface BeitOptions {
  /** Channels of the tokens. */
  readonly embedDim: number;
  /** Number of blocks. */
  readonly depth: number;
  /** Attention heads; divides the channels. */
  readonly numHeads: number;
  /** Blocks, counted from 0, whose outputs are the maps; ascending. */
  readonly outIndices: readonly number[];
  /**
   * Longest side of an image, or longest height and width, in pixels; the tables of
   * relative positions are made for it.
   * @default {640}
   */
  readonly imageSize?: number | readonly [height: number, width: number];
  /** Drop-path rate of the last block; it grows linearly from 0 at the first. */
  readonly dropPathRate: number;
  /** Initial factor of the residual branches. */
  readonly layerScaleInit: number;
  /** Channels of the images. @default {3} */
  readonly imageChannels?: number;
}

/** The published shapes. */
export const BEIT_PRESETS = {
  "beit-b": {
    embedDim: 768,
    depth: 12,
    numHeads: 12,
    outIndices: [3, 5, 7, 11],
    layerScaleInit: 0.1,
  },
  "beit-l": {
    embedDim: 1024,
    depth: 24,
    numHeads: 16,
    outIndices: [7, 11, 15, 23],
    layerScaleInit: 1e-6,
  },
} as const;

const PATCH_SIZE = 16;
const PUBLISHED_IMAGE_SIZE = 640;
const MLP_RATIO = 4;
const EPSILON = 1e-6;
// Standard deviations of initial weights that differ from the layers' own, as in mmsegmentation.
const TOKEN_INIT_STD = 0.02;
const MLP_BIAS_INIT_STD = 1e-6;

const TOKEN_ACCESSOR: MapAccessor<TokenSequence> = {
  get: ({ tokens }) => tokens,
  replace: (input, tokens) => ({ ...input, tokens }),
};

/**
 * Builds the encoder; all its maps have stride 16. Images whose sides are no multiples
 * of 16 are padded with zeros at the bottom and the right.
 *
 * @param name Prefix of the parameters, "backbone" in whole networks.
 * @throws {RangeError} If heads do not divide the channels or an output is no block; when
 * applied, if an image is larger than `imageSize`.
 */
export function beit(
  name: string,
  {
    embedDim,
    depth,
    numHeads,
    outIndices,
    imageSize = PUBLISHED_IMAGE_SIZE,
    dropPathRate,
    layerScaleInit,
    imageChannels = 3,
  }: BeitOptions,
): Encoder {
  const invalidBlock = outIndices.find((block) => !(block >= 0 && block < depth));
  if (invalidBlock !== undefined) {
    throw new RangeError(
      `Cannot build a BEiT: "outIndices" must be blocks 0 … ${depth - 1}: received ` +
        `${invalidBlock}`,
    );
  }
  const [height, width] = typeof imageSize === "number"
    ? [imageSize, imageSize]
    : imageSize;
  const tableGrid = [
    Math.ceil(height / PATCH_SIZE),
    Math.ceil(width / PATCH_SIZE),
  ] as const;
  const classToken = parameter(`${name}.cls_token`, [1, 1, embedDim], "plain", {
    kind: "truncated-normal",
    std: TOKEN_INIT_STD,
  });
  const projection = `${name}.patch_embed.projection`;
  const patchEmbed = withImageFilter(
    convolution(projection, imageChannels, embedDim, {
      kernelSize: PATCH_SIZE,
      stride: PATCH_SIZE,
      init: Math.sqrt(2 / (imageChannels * PATCH_SIZE ** 2)),
    }),
    `${projection}.weight`,
  );
  const blocks = dropPathRates([depth], dropPathRate).flat().map((dropPath, k) => {
    const options = { heads: numHeads, tableGrid, dropPath, scaleInit: layerScaleInit };
    const block = beitBlock(`${name}.layers.${k}`, embedDim, options);
    return checkpointable(block, TOKEN_ACCESSOR);
  });
  return {
    strides: outIndices.map(() => PATCH_SIZE),
    channels: outIndices.map(() => embedDim),
    parameters: [classToken, ...parametersOf(patchEmbed, ...blocks)],
    derivedBuffers: derivedBuffersOf(...blocks),
    apply(weights, images, context) {
      assertImageSize(images.shape, tableGrid);
      const map = patchEmbed.apply(weights, padToMultiple(images, PATCH_SIZE), context);
      const [, H, W] = map.shape;
      const grid = [H, W] as const;
      let tokens = prependTokens(weightOf(weights, classToken), map); // [B, 1, 1 + H·W, C]
      const maps = new Map<number, tf.Tensor4D>();
      for (const [k, block] of blocks.entries()) {
        tokens = block.apply(weights, { tokens, grid }, context);
        if (outIndices.includes(k)) maps.set(k, gridMap(tokens, grid));
      }
      return outIndices.map((k) => maps.get(k) ?? map);
    },
  };
}

/** @throws {RangeError} If an image is larger than the grid of the tables. */
function assertImageSize(
  [, height, width]: readonly number[],
  [tableRows, tableColumns]: TokenGrid,
): void {
  const [H = 0, W = 0] = [height, width];
  if (H <= tableRows * PATCH_SIZE && W <= tableColumns * PATCH_SIZE) return;
  const size = `${tableRows * PATCH_SIZE}×${tableColumns * PATCH_SIZE}`;
  throw new RangeError(
    `Cannot encode an image of ${H}×${W}: this BEiT has positions for at most ${size} ` +
      `pixels; set "evaluation.mode" to slide with an "evaluation.windowSize" of ${size}, ` +
      `"data.cropSize" to at most that, or the encoder's "imageSize" to ` +
      `${Math.ceil(Math.max(H, W) / PATCH_SIZE) * PATCH_SIZE}`,
  );
}

/** x += dropPath(γ₁ · attention(ln1(x)));  x += dropPath(γ₂ · ffn(ln2(x))). */
function beitBlock(
  name: string,
  channels: number,
  { dropPath, scaleInit, ...options }: {
    readonly heads: number;
    readonly tableGrid: TokenGrid;
    readonly dropPath: number;
    readonly scaleInit: number;
  },
): Layer<TokenSequence, tf.Tensor4D> {
  const scale1 = layerScale(`${name}.gamma_1`, channels, scaleInit);
  const scale2 = layerScale(`${name}.gamma_2`, channels, scaleInit);
  const norm1 = layerNorm(`${name}.ln1`, channels, EPSILON);
  const attention = beitAttention(`${name}.attn`, channels, options);
  const mlp = feedForward(`${name}.ffn`, channels, MLP_RATIO * channels);
  const norm2 = layerNorm(`${name}.ln2`, channels, EPSILON);
  return {
    parameters: [
      ...parametersOf(scale1, scale2, norm1, attention),
      ...mlp.parameters.map(withRandomBias),
      ...norm2.parameters,
    ],
    derivedBuffers: derivedBuffersOf(attention),
    apply(weights, { tokens, grid }, context) {
      const attend: Layer = {
        parameters: [],
        apply: (weights, tokens, context) =>
          attention.apply(weights, { tokens, grid }, context),
      };
      return pipe(
        residualBranch(`${name}.attn`, norm1, pipe(attend, scale1), dropPath),
        residualBranch(`${name}.ffn`, norm2, pipe(mlp, scale2), dropPath),
      ).apply(weights, tokens, context);
    },
  };
}

// The reference draws these biases, however small.
function withRandomBias(parameter: Parameter): Parameter {
  if (!parameter.name.endsWith(".bias")) return parameter;
  return { ...parameter, initializer: { kind: "normal", std: MLP_BIAS_INIT_STD } };
}
