import type { HostTensor } from "../core/host_tensor.ts";
import {
  type DerivedBuffer,
  type Layer,
  type Parameter,
  weightOf,
} from "../core/network.ts";
import * as tf from "../core/tf.ts";
import {
  gridPositionBias,
  gridPositionBiasEntries,
  type TokenGrid,
} from "../ops/position_bias/position_bias.ts";
import { linear as multiplyMatrix } from "../ops/linear.ts";
import { linear } from "./linear.ts";
import { assertHeads, biasedAttention } from "./multi_head_attention.ts";
import { parameter, vectorParameter } from "./parameter.ts";
import { resizeBeitPositionTable } from "./resize_position_table.ts";

/** A class token, then the tokens of a grid row by row. */
export interface TokenSequence {
  /** [B, 1, 1 + height · width, C] */
  readonly tokens: tf.Tensor4D;
  readonly grid: TokenGrid;
}

// Standard deviation of fresh matrices and tables, as in mmsegmentation.
const INIT_STD = 0.02;

/**
 * Multi-head attention among all tokens, with a learned bias per relative position.
 *
 * out = softmax(Q·Kᵀ / √(C/heads) + bias)·V; keys have no bias of their own, since softmax
 * does not depend on it.
 *
 * Source: Bao et al., "BEiT" (ICLR 2022), https://arxiv.org/abs/2106.08254.
 *
 * @param name Parameters are `<name>.{q_bias,v_bias}` [C],
 * `<name>.relative_position_bias_table` [(2·H − 1)·(2·W − 1) + 3, heads],
 * `<name>.qkv.weight` [3C, C in PyTorch] and `<name>.proj.*`.
 * @param heads Divides C.
 * @param tableGrid H and W: the largest grid; the table has its relative positions.
 * @throws {RangeError} If `heads` does not divide the channels.
 */
export function beitAttention(
  name: string,
  channels: number,
  { heads, tableGrid }: { readonly heads: number; readonly tableGrid: TokenGrid },
): Layer<TokenSequence, tf.Tensor4D> {
  assertHeads(heads, channels);
  const init = { kind: "truncated-normal", std: INIT_STD } as const;
  const queryBias = vectorParameter(`${name}.q_bias`, channels, 0);
  const valueBias = vectorParameter(`${name}.v_bias`, channels, 0);
  const tableEntries = gridPositionBiasEntries(...tableGrid);
  const tableName = `${name}.relative_position_bias_table`;
  const table: Parameter = {
    ...parameter(tableName, [tableEntries, heads], "plain", init),
    adaptShape: (value) =>
      value.shape[1] === heads ? resizeBeitPositionTable(value, tableGrid) : null,
  };
  const qkvShape = [channels, 3 * channels];
  const qkv = parameter(`${name}.qkv.weight`, qkvShape, "linear", init);
  const output = linear(`${name}.proj`, channels, channels);
  const index: DerivedBuffer = {
    name: `${name}.relative_position_index`,
    value: () => beitPositionIndex(tableGrid),
  };
  return {
    parameters: [queryBias, valueBias, table, qkv, ...output.parameters],
    derivedBuffers: [index],
    apply(weights, { tokens, grid }, context) {
      const bias = tf.concat([
        weightOf<tf.Tensor1D>(weights, queryBias),
        tf.zeros<tf.Rank.R1>([channels]),
        weightOf<tf.Tensor1D>(weights, valueBias),
      ]); // [3C]
      const qkvTokens = multiplyMatrix(
        tokens,
        weightOf(weights, qkv),
        bias,
      ) as tf.Tensor4D; // [B, 1, N, 3C]
      const attended = biasedAttention(
        qkvTokens,
        heads,
        (scores) => gridPositionBias(scores, weightOf(weights, table), grid, tableGrid),
      );
      return output.apply(weights, attended, context); // [B, 1, N, C]
    },
  };
}

/** The entry of the table for every pair of tokens. int64 [1 + H·W, 1 + H·W] */
function beitPositionIndex([height, width]: TokenGrid): HostTensor {
  const columnOffsets = 2 * width - 1;
  const entries = gridPositionBiasEntries(height, width);
  const N = 1 + height * width;
  const indices = new BigInt64Array(N * N);
  indices.fill(BigInt(entries - 3), 0, N); // from the class token
  for (let i = 1; i < N; i++) {
    indices[i * N] = BigInt(entries - 2); // to the class token
    const y = Math.floor((i - 1) / width);
    const x = (i - 1) % width;
    for (let j = 1; j < N; j++) {
      const dy = y - Math.floor((j - 1) / width) + height - 1;
      const dx = x - (j - 1) % width + width - 1;
      indices[i * N + j] = BigInt(dy * columnOffsets + dx);
    }
  }
  indices[0] = BigInt(entries - 1);
  return { dtype: "I64", shape: [N, N], bytes: new Uint8Array(indices.buffer) };
}
