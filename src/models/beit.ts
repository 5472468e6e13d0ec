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
import * as tf from "../core/tf.ts";
import { frugal, type MapInput } from "../layers/chain.ts";
import { convolution } from "../layers/convolution.ts";
import { dropout } from "../layers/dropout.ts";
import { feedForward } from "../layers/feed_forward.ts";
import { gridAttention, type GridTokens } from "../layers/grid_attention.ts";
import { layerNorm } from "../layers/layer_norm.ts";
import { constantsOf, parameter, parametersOf, vector } from "../layers/parameter.ts";
import type { TokenGrid } from "../ops/grid_bias.ts";
import { padToMultiple } from "../ops/pad_to_multiple.ts";
import { scaleChannels } from "../ops/scale_channels.ts";

/** The shape of a BEiT. */
export interface BeitShape {
  /** Channels. */
  readonly width: number;
  /** Blocks. */
  readonly depth: number;
  /** Attention heads; divides the width. */
  readonly heads: number;
  /** Blocks, counted from 0, whose outputs are the maps; ascending. */
  readonly outputs: readonly number[];
  /**
   * Longest side of a picture, or longest height and width, in pixels; the tables of
   * positions are made for it.
   * @default {640}
   */
  readonly imageSize?: number | readonly [height: number, width: number];
  /** Drop-path rate of the last block; it grows linearly from 0 at the first. */
  readonly dropPath: number;
  /** What residual branches are multiplied with at the start. */
  readonly layerScale: number;
}

/** The published shapes. */
export const BEIT_PRESETS = {
  "beit-b": {
    width: 768,
    depth: 12,
    heads: 12,
    outputs: [3, 5, 7, 11],
    layerScale: 0.1,
  },
  "beit-l": {
    width: 1024,
    depth: 24,
    heads: 16,
    outputs: [7, 11, 15, 23],
    layerScale: 1e-6,
  },
} as const;

const PATCH = 16;
const PUBLISHED_SIZE = 640;
const MLP_RATIO = 4;
const EPSILON = 1e-6;
// Deviations of fresh weights that differ from the layers' own, as in mmsegmentation.
const TOKEN_DEVIATION = 0.02;
const MLP_BIAS_DEVIATION = 1e-6;

const TOKENS: MapInput<GridTokens> = {
  of: ({ tokens }) => tokens,
  with: (input, tokens) => ({ ...input, tokens }),
};

/**
 * Builds the encoder; all its maps have stride 16. Pictures whose sides are no multiples
 * of 16 are padded with zeros at the bottom and the right.
 *
 * @param name Prefix of the parameters, "backbone" in whole networks.
 * @throws {RangeError} If heads do not divide the width or an output is no block; when
 * applied, if a picture is larger than `imageSize`.
 */
export function beit(
  name: string,
  { width, depth, heads, outputs, imageSize = PUBLISHED_SIZE, ...shape }: BeitShape,
): Encoder {
  const unknown = outputs.find((block) => !(block >= 0 && block < depth));
  if (unknown !== undefined) {
    throw new RangeError(
      `Cannot build a BEiT: "outputs" must be blocks 0 … ${
        depth - 1
      }: received ${unknown}`,
    );
  }
  const sides = typeof imageSize === "number"
    ? [imageSize, imageSize] as const
    : imageSize;
  const largest: TokenGrid = [Math.ceil(sides[0] / PATCH), Math.ceil(sides[1] / PATCH)];
  const classToken = parameter(`${name}.cls_token`, [1, 1, width], "plain", {
    kind: "truncated-normal",
    deviation: TOKEN_DEVIATION,
  });
  const embed = convolution(`${name}.patch_embed.projection`, 3, width, {
    kernel: PATCH,
    stride: PATCH,
    start: Math.sqrt(2 / (3 * PATCH ** 2)),
  });
  const blocks = Array.from(
    { length: depth },
    (_, k) =>
      frugal(
        beitBlock(`${name}.layers.${k}`, width, {
          heads,
          largest,
          dropPath: depth > 1 ? shape.dropPath * k / (depth - 1) : 0,
          layerScale: shape.layerScale,
        }),
        TOKENS,
      ),
  );
  return {
    strides: outputs.map(() => PATCH),
    widths: outputs.map(() => width),
    parameters: [classToken, ...parametersOf(embed, ...blocks)],
    constants: constantsOf(...blocks),
    apply(weights, images, pass) {
      checkSize(images.shape, largest);
      const map = embed.apply(weights, padToMultiple(images, PATCH), pass);
      const [B, H, W, C] = map.shape;
      const grid = [H, W] as const;
      const first = tf.reshape<tf.Rank.R4>(weightOf(weights, classToken), [1, 1, 1, C]);
      let tokens = tf.concat4d([
        tf.tile(first, [B, 1, 1, 1]),
        tf.reshape(map, [B, 1, H * W, C]),
      ], 2); // [B, 1, 1 + H·W, C]
      const maps = new Map<number, tf.Tensor4D>();
      for (const [k, block] of blocks.entries()) {
        tokens = block.apply(weights, { tokens, grid }, pass);
        if (!outputs.includes(k)) continue;
        const places = tf.slice4d(tokens, [0, 0, 1, 0], [B, 1, H * W, C]);
        maps.set(k, tf.reshape(places, [B, H, W, C]));
      }
      return outputs.map((k) => maps.get(k) ?? map);
    },
  };
}

/** @throws {RangeError} If a picture has positions that the tables do not know. */
function checkSize([, height, width]: readonly number[], [tall, wide]: TokenGrid): void {
  const [H = 0, W = 0] = [height, width];
  if (H <= tall * PATCH && W <= wide * PATCH) return;
  const size = `${tall * PATCH}×${wide * PATCH}`;
  throw new RangeError(
    `Cannot encode a picture of ${H}×${W}: this BEiT knows positions in at most ${size} ` +
      `pixels; set "evaluation.mode" to slide with an "evaluation.window" of ${size}, ` +
      `"data.crop" to at most that, or the encoder's "imageSize" to ` +
      `${Math.ceil(Math.max(H, W) / PATCH) * PATCH}`,
  );
}

/** x += dropPath(γ₁ · attention(ln1(x)));  x += dropPath(γ₂ · ffn(ln2(x))). */
function beitBlock(
  name: string,
  width: number,
  { heads, largest, dropPath, layerScale }: {
    heads: number;
    largest: TokenGrid;
    dropPath: number;
    layerScale: number;
  },
): Layer<GridTokens, tf.Tensor4D> {
  const scale1 = vector(`${name}.gamma_1`, width, layerScale);
  const scale2 = vector(`${name}.gamma_2`, width, layerScale);
  const norm1 = layerNorm(`${name}.ln1`, width, EPSILON);
  const attention = gridAttention(`${name}.attn`, width, { heads, largest });
  const mlp = feedForward(`${name}.ffn`, width, MLP_RATIO * width);
  const norm2 = layerNorm(`${name}.ln2`, width, EPSILON);
  return {
    parameters: [
      scale1,
      scale2,
      ...parametersOf(norm1, attention),
      ...mlp.parameters.map(withFreshBias),
      ...norm2.parameters,
    ],
    constants: constantsOf(attention),
    apply(weights, { tokens: x, grid }, pass) {
      const tokens = norm1.apply(weights, x, pass);
      const seen = scaleChannels(
        attention.apply(weights, { tokens, grid }, pass),
        weightOf(weights, scale1),
      );
      const mixed: tf.Tensor4D = tf.add(
        x,
        dropout(`${name}.attn`, seen, dropPath, "sample", pass),
      );
      const thought = scaleChannels(
        mlp.apply(weights, norm2.apply(weights, mixed, pass), pass),
        weightOf(weights, scale2),
      );
      return tf.add(mixed, dropout(`${name}.ffn`, thought, dropPath, "sample", pass));
    },
  };
}

// The reference draws these biases, however small.
function withFreshBias(one: Parameter): Parameter {
  if (!one.name.endsWith(".bias")) return one;
  return { ...one, initial: { kind: "normal", deviation: MLP_BIAS_DEVIATION } };
}
