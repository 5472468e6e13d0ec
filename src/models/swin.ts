/**
 * Swin Transformer: attention inside windows that shift from block to block.
 *
 * Source: Liu et al., "Swin Transformer" (ICCV 2021), https://arxiv.org/abs/2103.14030.
 * Names and shapes of the parameters are those of mmsegmentation's checkpoints.
 *
 * @module
 */
import type { Encoder, Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { chain } from "../layers/chain.ts";
import { dropout } from "../layers/dropout.ts";
import { feedForward } from "../layers/feed_forward.ts";
import { layerNorm } from "../layers/layer_norm.ts";
import { constantsOf, parametersOf } from "../layers/parameter.ts";
import { patchEmbedding } from "../layers/patch_embedding.ts";
import { patchMerging } from "../layers/patch_merging.ts";
import {
  windowAttention,
  type WindowAttentionOptions,
} from "../layers/window_attention.ts";

/** The shape of a Swin Transformer; each list has one entry per stage. */
export interface SwinShape {
  /** Channels of the first stage; they double per stage. */
  readonly width: number;
  /** Blocks. */
  readonly depths: readonly number[];
  /** Attention heads; each divides the channels of its stage. */
  readonly heads: readonly number[];
  /** Side of a window, in pixels of a map. @default {7} */
  readonly window?: number;
  /** Drop-path rate of the last block; it grows linearly from 0 at the first. */
  readonly dropPath: number;
}

/** The published shapes; base and large exist with windows of 7 and of 12. */
export const SWIN_PRESETS = {
  "swin-t": { width: 96, depths: [2, 2, 6, 2], heads: [3, 6, 12, 24] },
  "swin-s": { width: 96, depths: [2, 2, 18, 2], heads: [3, 6, 12, 24] },
  "swin-b": { width: 128, depths: [2, 2, 18, 2], heads: [4, 8, 16, 32] },
  "swin-l": { width: 192, depths: [2, 2, 18, 2], heads: [6, 12, 24, 48] },
} as const satisfies Record<string, Omit<SwinShape, "window" | "dropPath">>;

const PATCH = 4;
const WINDOW = 7;
const MLP_RATIO = 4;
const EPSILON = 1e-5;

/**
 * Builds the encoder; its maps have strides 4, 8, 16 and 32, of images whose sides are
 * rounded up.
 *
 * @param name Prefix of the parameters, "backbone" in whole networks.
 * @throws {RangeError} If the lists differ in length, or heads do not divide channels.
 */
export function swin(
  name: string,
  { width, depths, heads, window = WINDOW, dropPath }: SwinShape,
): Encoder {
  if (depths.length !== heads.length) {
    throw new RangeError(
      'Cannot build a Swin Transformer: "depths" and "heads" must have one entry per ' +
        `stage: received ${depths.length} and ${heads.length}`,
    );
  }
  const blocks = depths.reduce((sum, depth) => sum + depth, 0);
  const widths = depths.map((_, s) => width * 2 ** s);
  const embed = patchEmbedding(`${name}.patch_embed`, width, PATCH);
  let before = 0;
  const stages = widths.map((channels, s) => {
    const stage = `${name}.stages.${s}`;
    const body = Array.from(
      { length: depths[s] ?? 0 },
      (_, k) =>
        swinBlock(`${stage}.blocks.${k}`, channels, {
          heads: heads[s] ?? 1,
          window,
          shift: k % 2 === 0 ? 0 : Math.floor(window / 2),
          dropPath: blocks > 1 ? dropPath * (before + k) / (blocks - 1) : 0,
        }),
    );
    before += body.length;
    const last = s === widths.length - 1;
    const merge = last ? [] : [patchMerging(`${stage}.downsample`, channels)];
    return {
      body: chain(body),
      merge,
      norm: layerNorm(`${name}.norm${s}`, channels, EPSILON),
    };
  });
  return {
    strides: widths.map((_, s) => PATCH * 2 ** s),
    widths,
    // In the order of PyTorch's state_dict: the norms of the outputs come last.
    parameters: parametersOf(
      embed,
      ...stages.flatMap(({ body, merge }) => [body, ...merge]),
      ...stages.map(({ norm }) => norm),
    ),
    constants: constantsOf(...stages.map(({ body }) => body)),
    apply(weights, images, pass) {
      const maps: tf.Tensor4D[] = [];
      let x = embed.apply(weights, images, pass);
      for (const { body, merge, norm } of stages) {
        x = body.apply(weights, x, pass);
        maps.push(norm.apply(weights, x, pass));
        for (const layer of merge) x = layer.apply(weights, x, pass);
      }
      return maps;
    },
  };
}

/** x += dropPath(attention(norm1(x)));  x += dropPath(ffn(norm2(x))). */
function swinBlock(
  name: string,
  width: number,
  { dropPath, ...options }: WindowAttentionOptions & { readonly dropPath: number },
): Layer {
  const norm1 = layerNorm(`${name}.norm1`, width, EPSILON);
  const attention = windowAttention(`${name}.attn`, width, options);
  const norm2 = layerNorm(`${name}.norm2`, width, EPSILON);
  const ffn = feedForward(`${name}.ffn`, width, MLP_RATIO * width);
  return {
    parameters: parametersOf(norm1, attention, norm2, ffn),
    constants: constantsOf(attention),
    apply(weights, x, pass) {
      const seen = attention.apply(weights, norm1.apply(weights, x, pass), pass);
      const mixed = tf.add(x, dropout(`${name}.attn`, seen, dropPath, "sample", pass));
      const thought = ffn.apply(
        weights,
        norm2.apply(weights, mixed as tf.Tensor4D, pass),
        pass,
      );
      return tf.add(mixed, dropout(`${name}.ffn`, thought, dropPath, "sample", pass));
    },
  };
}
