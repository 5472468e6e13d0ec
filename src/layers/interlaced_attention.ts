import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { singleHeadAttention } from "../ops/attention/attention.ts";
import { convModule } from "./conv_module.ts";
import { convolution } from "./convolution.ts";
import { flattenPixels } from "./multi_head_attention.ts";
import { parametersOf } from "./parameter.ts";
import { pipe } from "./sequential.ts";

/** The shape of the attention of ISANet. */
interface SelfAttentionOptions {
  /** Channels of keys and queries. */
  readonly keyChannels: number;
  /** Convolutions that make the keys, and as many that make the queries. */
  readonly keyQueryConvs: number;
}

/**
 * Interlaced sparse self-attention: first among pixels at the same place of all cells,
 * then among the pixels of each cell.
 *
 * A map that is no multiple of the cell is padded with zeros on all sides, at the bottom
 * and right by the odd pixel; the padding takes part in both steps and is cut off.
 *
 * Source: Huang et al., "Interlaced Sparse Self-Attention for Semantic Segmentation",
 * 2019, https://arxiv.org/abs/1907.12273.
 *
 * @param name Parameters are `<name>.{global,local}_relation.*`.
 */
export function interlacedAttention(
  name: string,
  channels: number,
  { cell, ...options }: SelfAttentionOptions & {
    /** Side of a cell of close pixels, in pixels of the map; published is 8. */
    readonly cell: number;
  },
): Layer {
  const global = selfAttentionBlock(`${name}.global_relation`, channels, options);
  const local = selfAttentionBlock(`${name}.local_relation`, channels, options);
  return {
    parameters: parametersOf(global, local),
    apply(weights, x, context) {
      const [B, H, W, C] = x.shape;
      const [rows, cols] = [Math.ceil(H / cell), Math.ceil(W / cell)];
      const [padY, padX] = [rows * cell - H, cols * cell - W];
      const [top, left] = [Math.floor(padY / 2), Math.floor(padX / 2)];
      const padded = tf.pad(x, [[0, 0], [top, padY - top], [left, padX - left], [0, 0]]);

      const cells = tf.reshape(padded, [B, rows, cell, cols, cell, C]);
      // Attention among the pixels that differ in axes 3 and 4.
      const attend = (relation: Layer, x: tf.Tensor) => {
        const [outerA = 1, outerB = 1, height = 1, width = 1] = x.shape.slice(1, 5);
        const maps = tf.reshape<tf.Rank.R4>(x, [B * outerA * outerB, height, width, C]);
        return tf.reshape(relation.apply(weights, maps, context), x.shape);
      };
      const places = tf.transpose(cells, [0, 2, 4, 1, 3, 5]); // [B, cell, cell, rows, cols, C]
      const longRange = attend(global, places);
      const regrouped = tf.transpose(longRange, [0, 3, 4, 1, 2, 5]); // [B, rows, cols, cell, cell, C]
      const shortRange = attend(local, regrouped);
      const rejoined = tf.transpose(shortRange, [0, 1, 3, 2, 4, 5]); // [B, rows, cell, cols, cell, C]
      const map = tf.reshape<tf.Rank.R4>(rejoined, [B, rows * cell, cols * cell, C]);
      return tf.slice(map, [0, top, left, 0], [B, H, W, C]);
    },
  };
}

/**
 * Attention of every pixel to all pixels of its map, with projections that have batch
 * norm and ReLU.
 *
 * out = project(softmax(Q·Kᵀ / √keyChannels)·V)
 *
 * Source: mmsegmentation's `SelfAttentionBlock` as its ISANet head sets it up.
 *
 * @param name Parameters are `<name>.{key,query}_project.*`, with the number of the
 * convolution after it where there are several, `<name>.value_project.*` and
 * `<name>.output_project.*`.
 */
function selfAttentionBlock(
  name: string,
  channels: number,
  { keyChannels, keyQueryConvs }: SelfAttentionOptions,
): Layer {
  const project = (projection: string): Layer =>
    pipe(
      ...Array.from({ length: keyQueryConvs }, (_, i) => {
        const convName = `${name}.${projection}${keyQueryConvs === 1 ? "" : `.${i}`}`;
        const inChannels = i === 0 ? channels : keyChannels;
        return convModule(convName, inChannels, keyChannels, 1);
      }),
    );
  const key = project("key_project");
  const query = project("query_project");
  const value = convolution(`${name}.value_project`, channels, channels, {
    kernelSize: 1,
    init: "pytorch",
  });
  const output = convModule(`${name}.output_project`, channels, channels, 1);
  return {
    parameters: parametersOf(key, query, value, output),
    apply(weights, x, context) {
      const flat = (layer: Layer) => flattenPixels(layer.apply(weights, x, context));
      const attended = singleHeadAttention(
        flat(query),
        flat(key),
        flat(value),
        keyChannels ** -0.5,
      ); // [B, H·W, C]
      return output.apply(weights, tf.reshape(attended, x.shape), context);
    },
  };
}
