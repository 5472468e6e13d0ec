import type { HostTensor } from "../core/host_tensor.ts";
import { type Constant, type Layer, type Parameter, weightOf } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { gridBias, gridBiasEntries, type TokenGrid } from "../ops/grid_bias.ts";
import { linear as applyLinear } from "../ops/linear.ts";
import { matMul } from "../ops/mat_mul.ts";
import { linear } from "./linear.ts";
import { parameter, vector } from "./parameter.ts";
import { stretchPositionTable } from "./stretch_position_table.ts";

/** A class token, and the tokens of a grid row by row after it. */
export interface GridTokens {
  /** [B, 1, 1 + height · width, C] */
  readonly tokens: tf.Tensor4D;
  readonly grid: TokenGrid;
}

// Deviation of fresh matrices and tables, as in mmsegmentation.
const DEVIATION = 0.02;

/**
 * Multi-head attention among all tokens, with a learned bias per relative position.
 *
 * out = softmax(Q·Kᵀ / √(C/heads) + bias)·V; keys have no bias of their own, since softmax
 * would not see it.
 *
 * Source: Bao et al., "BEiT" (ICLR 2022), https://arxiv.org/abs/2106.08254.
 *
 * @param name Parameters are `<name>.{q_bias,v_bias}` [C],
 * `<name>.relative_position_bias_table` [(2·H − 1)·(2·W − 1) + 3, heads],
 * `<name>.qkv.weight` [3C, C in PyTorch] and `<name>.proj.*`.
 * @param heads Divides C.
 * @param largest H and W: the grid that the table is made for; smaller ones work.
 * @throws {RangeError} If `heads` does not divide the channels.
 */
export function gridAttention(
  name: string,
  channels: number,
  { heads, largest }: { heads: number; largest: TokenGrid },
): Layer<GridTokens, tf.Tensor4D> {
  if (channels % heads !== 0) {
    throw new RangeError(
      `Cannot split attention: "heads" must divide the channels: received ${heads} for ` +
        `${channels}`,
    );
  }
  const start = { kind: "truncated-normal", deviation: DEVIATION } as const;
  const queryBias = vector(`${name}.q_bias`, channels, 0);
  const valueBias = vector(`${name}.v_bias`, channels, 0);
  const entries = gridBiasEntries(...largest);
  const at = `${name}.relative_position_bias_table`;
  const table: Parameter = {
    ...parameter(at, [entries, heads], "plain", start),
    fit: (value) =>
      value.shape[1] === heads ? stretchPositionTable(value, largest) : null,
  };
  const matrix = [channels, 3 * channels];
  const qkv = parameter(`${name}.qkv.weight`, matrix, "linear", start);
  const output = linear(`${name}.proj`, channels, channels);
  const index: Constant = {
    name: `${name}.relative_position_index`,
    value: () => positionIndex(largest),
  };
  return {
    parameters: [queryBias, valueBias, table, qkv, ...output.parameters],
    constants: [index],
    apply(weights, { tokens, grid }, pass) {
      const [B, , N, C] = tokens.shape;
      const D = C / heads;
      const bias = tf.concat([
        weightOf<tf.Tensor1D>(weights, queryBias),
        tf.zeros<tf.Rank.R1>([C]),
        weightOf<tf.Tensor1D>(weights, valueBias),
      ]); // [3C]
      const all = applyLinear(tokens, weightOf(weights, qkv), bias); // [B, 1, N, 3C]
      const part = (i: number): tf.Tensor4D => {
        const one = tf.slice(all, [0, 0, 0, i * C], [B, 1, N, C]);
        return tf.transpose(tf.reshape<tf.Rank.R4>(one, [B, N, heads, D]), [0, 2, 1, 3]);
      }; // [B, heads, N, D]
      const query = tf.mul(part(0), D ** -0.5);
      const scores: tf.Tensor4D = matMul(query, part(1), { transposeB: true }); // [B, heads, N, N]
      const biased = gridBias(scores, weightOf(weights, table), grid, largest);
      const mixed = matMul(tf.softmax(biased), part(2)); // [B, heads, N, D]
      const merged = tf.transpose(mixed, [0, 2, 1, 3]); // [B, N, heads, D]
      return output.apply(weights, tf.reshape(merged, [B, 1, N, C]), pass);
    },
  };
}

/** The entry of the table for every pair of tokens. int64 [1 + H·W, 1 + H·W] */
function positionIndex([height, width]: TokenGrid): HostTensor {
  const wide = 2 * width - 1;
  const entries = gridBiasEntries(height, width);
  const N = 1 + height * width;
  const cells = new BigInt64Array(N * N);
  cells.fill(BigInt(entries - 3), 0, N); // from the class token
  for (let i = 1; i < N; i++) {
    cells[i * N] = BigInt(entries - 2); // to the class token
    const y = Math.floor((i - 1) / width);
    const x = (i - 1) % width;
    for (let j = 1; j < N; j++) {
      const dy = y - Math.floor((j - 1) / width) + height - 1;
      const dx = x - (j - 1) % width + width - 1;
      cells[i * N + j] = BigInt(dy * wide + dx);
    }
  }
  cells[0] = BigInt(entries - 1);
  return { dtype: "I64", shape: [N, N], bytes: new Uint8Array(cells.buffer) };
}
