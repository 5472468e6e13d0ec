import { type Layer, weightOf } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { linear } from "../ops/linear.ts";
import { padToMultiple } from "../ops/pad_to_multiple.ts";
import { layerNorm } from "./layer_norm.ts";
import { parameter, parametersOf } from "./parameter.ts";

const SIDE = 2;
// LayerNorm's default in PyTorch.
const EPSILON = 1e-5;

/**
 * Halves a map and doubles its channels: the four pixels of each 2×2 cell become one of
 * 4C channels, normalised and projected to 2C without bias. An odd last row or column is
 * paired with zeros.
 *
 * The 4C channels are in the order c·4 + row·2 + column, as mmsegmentation's; the authors'
 * own code has another.
 *
 * Source: Liu et al., "Swin Transformer" (ICCV 2021), https://arxiv.org/abs/2103.14030,
 * section 3.1.
 *
 * @param name Parameters are `<name>.norm.*` [4C] and `<name>.reduction.weight`
 * [2C, 4C in PyTorch].
 */
export function patchMerging(name: string, channels: number): Layer {
  const wide = SIDE ** 2 * channels;
  const norm = layerNorm(`${name}.norm`, wide, EPSILON);
  const reduction = parameter(
    `${name}.reduction.weight`,
    [wide, 2 * channels],
    "linear",
    { kind: "truncated-normal", deviation: 0.02 },
  );
  return {
    parameters: [...parametersOf(norm), reduction],
    apply(weights, input, pass) {
      const x = padToMultiple(input, SIDE);
      const [B, H, W, C] = x.shape;
      const [rows, cols] = [H / SIDE, W / SIDE];
      const cells = tf.reshape(x, [B, rows, SIDE, cols, SIDE, C]);
      const together = tf.transpose(cells, [0, 1, 3, 5, 2, 4]); // [B, H/2, W/2, C, 2, 2]
      const joined = tf.reshape<tf.Rank.R4>(together, [B, rows, cols, wide]);
      const normal = norm.apply(weights, joined, pass);
      return linear(normal, weightOf(weights, reduction)) as tf.Tensor4D;
    },
  };
}
