import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { attention } from "../ops/attention.ts";
import { convModule } from "./conv_module.ts";
import { convolution } from "./convolution.ts";
import { parametersOf } from "./parameter.ts";

// Side of a cell, in pixels of the map.
const CELL = 8;

/**
 * Interlaced sparse self-attention: first among pixels at the same place of all 8×8
 * cells, then among the pixels of each cell.
 *
 * Source: Huang et al., "Interlaced Sparse Self-Attention for Semantic Segmentation",
 * 2019, https://arxiv.org/abs/1907.12273; as DAFormer's fusion layer, without the
 * residual and the output convolution.
 *
 * @param name Parameters are `<name>.in_conv.*`, `<name>.{global,local}_relation.*`.
 */
export function interlacedAttention(
  name: string,
  inputs: number,
  channels: number,
): Layer {
  const enter = convModule(`${name}.in_conv`, inputs, channels, { kernel: 1 });
  const global = relation(`${name}.global_relation`, channels);
  const local = relation(`${name}.local_relation`, channels);
  return {
    parameters: parametersOf(enter, global, local),
    apply(weights, input, pass) {
      const x = enter.apply(weights, input, pass);
      const [B, H, W, C] = x.shape;
      const [rows, cols] = [Math.ceil(H / CELL), Math.ceil(W / CELL)];
      const [padY, padX] = [rows * CELL - H, cols * CELL - W];
      const [top, left] = [Math.floor(padY / 2), Math.floor(padX / 2)];
      const padded = tf.pad(x, [[0, 0], [top, padY - top], [left, padX - left], [0, 0]]);

      const cells = tf.reshape(padded, [B, rows, CELL, cols, CELL, C]);
      const apart = tf.transpose(cells, [0, 2, 4, 1, 3, 5]); // [B, cell, cell, rows, cols, C]
      const far = global.apply(
        weights,
        tf.reshape(apart, [B * CELL * CELL, rows, cols, C]),
        pass,
      );
      const regrouped = tf.reshape(far, [B, CELL, CELL, rows, cols, C]);
      const close = tf.transpose(regrouped, [0, 3, 4, 1, 2, 5]); // [B, rows, cols, cell, cell, C]
      const near = local.apply(
        weights,
        tf.reshape(close, [B * rows * cols, CELL, CELL, C]),
        pass,
      );
      const whole = tf.transpose(
        tf.reshape(near, [B, rows, cols, CELL, CELL, C]),
        [0, 1, 3, 2, 4, 5],
      ); // [B, rows, cell, cols, cell, C]
      const map = tf.reshape<tf.Rank.R4>(whole, [B, rows * CELL, cols * CELL, C]);
      return tf.slice(map, [0, top, left, 0], [B, H, W, C]);
    },
  };
}

// One self-attention with a single head and projected output.
function relation(name: string, channels: number): Layer {
  const kernel = 1;
  const key = convModule(`${name}.key_project`, channels, channels, { kernel });
  const query = convModule(`${name}.query_project`, channels, channels, { kernel });
  const value = convolution(`${name}.value_project`, channels, channels, { kernel });
  const output = convModule(`${name}.output_project`, channels, channels, { kernel });
  return {
    parameters: parametersOf(key, query, value, output),
    apply(weights, x, pass) {
      const [B, H, W, C] = x.shape;
      const flat = (map: tf.Tensor4D) => tf.reshape<tf.Rank.R3>(map, [B, H * W, C]);
      const q = flat(query.apply(weights, x, pass));
      const k = flat(key.apply(weights, x, pass));
      const v = flat(value.apply(weights, x, pass));
      const mixed = attention(q, tf.concat([k, v], 2), 1); // [B, H·W, C]
      return output.apply(weights, tf.reshape(mixed, [B, H, W, C]), pass);
    },
  };
}
