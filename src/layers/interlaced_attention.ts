import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { parametersOf } from "./parameter.ts";
import { relation, type RelationOptions } from "./relation.ts";

/** The shape of interlaced attention. */
export interface InterlacedAttentionOptions extends RelationOptions {
  /** Side of a cell of close pixels, in pixels of the map; published is 8. */
  readonly cell: number;
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
  { cell, ...options }: InterlacedAttentionOptions,
): Layer {
  const global = relation(`${name}.global_relation`, channels, options);
  const local = relation(`${name}.local_relation`, channels, options);
  return {
    parameters: parametersOf(global, local),
    apply(weights, x, pass) {
      const [B, H, W, C] = x.shape;
      const [rows, cols] = [Math.ceil(H / cell), Math.ceil(W / cell)];
      const [padY, padX] = [rows * cell - H, cols * cell - W];
      const [top, left] = [Math.floor(padY / 2), Math.floor(padX / 2)];
      const padded = tf.pad(x, [[0, 0], [top, padY - top], [left, padX - left], [0, 0]]);

      const cells = tf.reshape(padded, [B, rows, cell, cols, cell, C]);
      const apart = tf.transpose(cells, [0, 2, 4, 1, 3, 5]); // [B, cell, cell, rows, cols, C]
      const far = global.apply(
        weights,
        tf.reshape(apart, [B * cell * cell, rows, cols, C]),
        pass,
      );
      const regrouped = tf.reshape(far, [B, cell, cell, rows, cols, C]);
      const close = tf.transpose(regrouped, [0, 3, 4, 1, 2, 5]); // [B, rows, cols, cell, cell, C]
      const near = local.apply(
        weights,
        tf.reshape(close, [B * rows * cols, cell, cell, C]),
        pass,
      );
      const whole = tf.transpose(
        tf.reshape(near, [B, rows, cols, cell, cell, C]),
        [0, 1, 3, 2, 4, 5],
      ); // [B, rows, cell, cols, cell, C]
      const map = tf.reshape<tf.Rank.R4>(whole, [B, rows * cell, cols * cell, C]);
      return tf.slice(map, [0, top, left, 0], [B, H, W, C]);
    },
  };
}
