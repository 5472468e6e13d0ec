/**
 * DINOv2: a plain Vision Transformer with patches of 14 pixels, as an encoder of maps of
 * one resolution.
 *
 * Source: Oquab et al., "DINOv2" (TMLR 2024), https://arxiv.org/abs/2304.07193; registers:
 * Darcet et al., "Vision Transformers Need Registers" (ICLR 2024),
 * https://arxiv.org/abs/2309.16588. Names and shapes of the parameters are those of the
 * published files.
 *
 * @module
 */
import {
  type Encoder,
  type ForwardContext,
  type Layer,
  weightOf,
  type Weights,
} from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { convolution } from "../layers/convolution.ts";
import { withImageFilter } from "../layers/image_filter.ts";
import { layerNorm } from "../layers/normalization.ts";
import { parameter, parametersOf } from "../layers/parameter.ts";
import { selfAttention } from "../layers/self_attention.ts";
import { pipe, sequential } from "../layers/sequential.ts";
import { gridMap, prependTokens } from "../layers/token_sequence.ts";
import {
  dropPathRates,
  feedForward,
  layerScale,
  residualBranch,
} from "../layers/transformer_block.ts";
import { type BicubicOptions, resizeBicubic } from "../ops/bicubic/bicubic.ts";
import { resizeBilinear } from "../ops/resize/resize.ts";

/** The shape of a DINOv2. */
export interface Dinov2Options {
  /** Channels of the tokens. */
  readonly embedDim: number;
  /** Number of blocks. */
  readonly depth: number;
  /** Attention heads; divides the channels. */
  readonly numHeads: number;
  /** Blocks, counted from 0, whose outputs become maps; ascending. */
  readonly outIndices: readonly number[];
  /** Whether there are four registers: tokens that no map has. */
  readonly registers: boolean;
  /**
   * Side of the images that the table of positions is made for, in pixels: a multiple of
   * 14. For other images the table is resized.
   */
  readonly imageSize: number;
  /**
   * Images are enlarged by this factor first. At 1 to the nearest multiple of 14 with
   * aligned corners, as UniMatch V2 does for evaluation; else down to a multiple of 14
   * with half-pixel centers, as VFM-UDA does with 1.1. A multiple of 0.01.
   */
  readonly inputScale: number;
  /** Drop-path rate of the last block; it grows linearly from 0 at the first. */
  readonly dropPathRate: number;
  /**
   * Initial factor of the residual branches.
   * @default {1}
   */
  readonly layerScaleInit?: number;
  /**
   * Channels of the images.
   * @default {3}
   */
  readonly imageChannels?: number;
  /**
   * How the table of positions is resized.
   * @default {Antialiased with registers, else with an offset of 0.1, as published}
   */
  readonly positionResize?: BicubicOptions;
}

/** The published shapes; the maps are those that UniMatch V2 takes. */
export const DINOV2_PRESETS = {
  "dinov2-small": { embedDim: 384, depth: 12, numHeads: 6, outIndices: [2, 5, 8, 11] },
  "dinov2-base": { embedDim: 768, depth: 12, numHeads: 12, outIndices: [2, 5, 8, 11] },
  "dinov2-large": {
    embedDim: 1024,
    depth: 24,
    numHeads: 16,
    outIndices: [4, 11, 17, 23],
  },
} as const;

const PATCH_SIZE = 14;
const MLP_RATIO = 4;
const EPSILON = 1e-6;
const REGISTERS = 4;
const POSITION_INIT_STD = 0.02;
const TOKEN_INIT_STD = 1e-6;

/**
 * Builds the encoder; all its maps have stride 14 and went through the last norm.
 *
 * @param name Prefix of the parameters, "backbone" in whole networks.
 * @throws {RangeError} If heads do not divide the channels, an output is no block or the
 * size of the images is no multiple of 14.
 */
export function dinov2(
  name: string,
  {
    embedDim,
    depth,
    numHeads,
    outIndices,
    registers,
    imageSize,
    inputScale,
    dropPathRate,
    layerScaleInit = 1,
    imageChannels = 3,
    positionResize = registers ? { antialias: true } : { offset: 0.1 },
  }: Dinov2Options,
): Encoder {
  const isAscending = outIndices.every((block, i) => block > (outIndices[i - 1] ?? -1));
  if (!isAscending || (outIndices.at(-1) ?? 0) >= depth) {
    throw new RangeError(
      'Cannot build a DINOv2: "outIndices" must be ascending blocks of ' +
        `0 … ${depth - 1}: received ${outIndices.join(", ")}`,
    );
  }
  if (imageSize % PATCH_SIZE !== 0) {
    throw new RangeError(
      `Cannot build a DINOv2: "imageSize" must be a multiple of ${PATCH_SIZE}: received ` +
        `${imageSize}`,
    );
  }
  const side = imageSize / PATCH_SIZE;
  const tokenParameter = (token: string, shape: readonly number[], std: number) =>
    parameter(
      `${name}.${token}`,
      [...shape, embedDim],
      "plain",
      std === 0 ? { kind: "constant", value: 0 } : { kind: "normal", std },
    );
  const classToken = tokenParameter("cls_token", [1, 1], TOKEN_INIT_STD);
  const positions = parameter(
    `${name}.pos_embed`,
    [1, 1 + side ** 2, embedDim],
    "plain",
    { kind: "truncated-normal", std: POSITION_INIT_STD },
  );
  const registerTokens = registers
    ? [tokenParameter("register_tokens", [1, REGISTERS], TOKEN_INIT_STD)]
    : [];
  const maskToken = tokenParameter("mask_token", [1], 0);
  const projection = `${name}.patch_embed.proj`;
  const patchEmbed = withImageFilter(
    convolution(projection, imageChannels, embedDim, {
      kernelSize: PATCH_SIZE,
      stride: PATCH_SIZE,
      init: "pytorch",
    }),
    `${projection}.weight`,
  );
  const blocks = dropPathRates([depth], dropPathRate).flat().map((dropPath, k) => {
    const options = { heads: numHeads, dropPath, scaleInit: layerScaleInit };
    return dinov2Block(`${name}.blocks.${k}`, embedDim, options);
  });
  const stages = outIndices.map((block, i) =>
    sequential(blocks.slice((outIndices[i - 1] ?? -1) + 1, block + 1))
  );
  const norm = layerNorm(`${name}.norm`, embedDim, EPSILON);

  const embed = (weights: Weights, map: tf.Tensor4D): tf.Tensor4D => {
    const [, H, W, C] = map.shape;
    const table = weightOf<tf.Tensor3D>(weights, positions); // [1, 1 + side², C]
    const ofClass = tf.slice(table, [0, 0, 0], [1, 1, C]);
    const ofGrid = tf.slice(table, [0, 1, 0], [1, side ** 2, C]);
    const square = tf.reshape<tf.Rank.R3>(ofGrid, [side, side, C]);
    const resized = resizeBicubic(square, [H, W], positionResize); // [H, W, C]
    const first = [
      tf.add<tf.Tensor3D>(weightOf(weights, classToken), ofClass),
      ...registerTokens.map((tokens) => weightOf<tf.Tensor3D>(weights, tokens)),
    ];
    return prependTokens(tf.concat3d(first, 1), tf.add(map, resized)); // [B, 1, K + H·W, C]
  };
  const replaceMasked = (
    weights: Weights,
    map: tf.Tensor4D,
    { tokenMask }: ForwardContext,
  ): tf.Tensor4D => {
    if (tokenMask === undefined) return map;
    const [B, H, W, C] = map.shape;
    const mask = tokenMask([B, H, W, 1]);
    const token = tf.reshape(weightOf(weights, maskToken), [1, 1, 1, C]);
    return tf.add(tf.mul(map, tf.sub(1, mask)), tf.mul(token, mask));
  };
  return {
    strides: outIndices.map(() => PATCH_SIZE),
    channels: outIndices.map(() => embedDim),
    hasMaskToken: true,
    parameters: [
      classToken,
      positions,
      ...registerTokens,
      maskToken,
      ...parametersOf(patchEmbed, ...blocks, norm),
    ],
    apply(weights, images, context) {
      const scaled = scaleToPatches(images, inputScale);
      const patches = patchEmbed.apply(weights, scaled, context); // [B, H, W, C]
      const map = replaceMasked(weights, patches, context);
      const [, H, W] = map.shape;
      let tokens = embed(weights, map);
      return stages.map((stage) => {
        tokens = stage.apply(weights, tokens, context);
        return norm.apply(weights, gridMap(tokens, [H, W]), context); // [B, H, W, C]
      });
    },
  };
}

// In whole numbers: no rounding of a product may lose a row of patches.
const PERCENT = 100;

/** Resizes images to a whole number of patches. */
function scaleToPatches(images: tf.Tensor4D, inputScale: number): tf.Tensor4D {
  const percent = Math.round(PERCENT * inputScale);
  const isScaled = percent !== PERCENT;
  const patches = (side: number) =>
    isScaled
      ? Math.floor(side * percent / (PERCENT * PATCH_SIZE))
      : Math.floor(side / PATCH_SIZE + 1 / 2);
  const [, H, W] = images.shape;
  const sideOf = (side: number) => PATCH_SIZE * Math.max(patches(side), 1);
  return resizeBilinear(images, [sideOf(H), sideOf(W)], { alignCorners: !isScaled });
}

/** x += dropPath(γ₁ · attention(norm1(x)));  x += dropPath(γ₂ · mlp(norm2(x))). */
function dinov2Block(
  name: string,
  channels: number,
  { heads, dropPath, scaleInit }: {
    readonly heads: number;
    readonly dropPath: number;
    readonly scaleInit: number;
  },
): Layer {
  const attend = pipe(
    selfAttention(`${name}.attn`, channels, heads),
    layerScale(`${name}.ls1.gamma`, channels, scaleInit),
  );
  const feed = pipe(
    feedForward(`${name}.mlp`, channels, MLP_RATIO * channels, ["fc1", "fc2"]),
    layerScale(`${name}.ls2.gamma`, channels, scaleInit),
  );
  return pipe(
    residualBranch(
      `${name}.attn`,
      layerNorm(`${name}.norm1`, channels, EPSILON),
      attend,
      dropPath,
    ),
    residualBranch(
      `${name}.mlp`,
      layerNorm(`${name}.norm2`, channels, EPSILON),
      feed,
      dropPath,
    ),
  );
}
