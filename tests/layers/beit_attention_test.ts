import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { EVAL_CONTEXT, type Weights } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { releaseWeights } from "../../src/core/weights.ts";
import { beitAttention } from "../../src/layers/beit_attention.ts";
import type { TokenGrid } from "../../src/ops/position_bias/position_bias.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

const CHANNELS = 6;
const HEADS = 2;
const LARGEST: TokenGrid = [3, 2];

const layer = beitAttention("attn", CHANNELS, { heads: HEADS, tableGrid: LARGEST });
const randomWeights = (): Weights =>
  new Map(
    layer.parameters.map(({ name, shape }) =>
      [name, randomTensor<tf.Rank>([...shape], name)] as const
    ),
  );
const tokensOf = ([height, width]: TokenGrid) =>
  randomTensor<tf.Rank.R4>([2, 1, 1 + height * width, CHANNELS], "tokens");

Deno.test("beitAttention() has the parameter names and order of the reference", () => {
  assert.deepEqual(layer.parameters.map(({ name, shape }) => [name, shape.join()]), [
    ["attn.q_bias", "6"],
    ["attn.v_bias", "6"],
    ["attn.relative_position_bias_table", "18,2"],
    ["attn.qkv.weight", "6,18"],
    ["attn.proj.weight", "6,6"],
    ["attn.proj.bias", "6"],
  ]);
});

Deno.test("beitAttention() has the relative position index of the reference", () => {
  const small = beitAttention("attn", 2, { heads: 1, tableGrid: [2, 2] });
  const [index = assert.fail()] = small.derivedBuffers ?? [];
  const { dtype, shape, bytes } = index.value();
  assert.equal(index.name, "attn.relative_position_index");
  assert.deepEqual([dtype, shape], ["I64", [5, 5]]);
  // Offsets of 2×2 tokens in a 3×3 table; 9 is class → grid, 10 grid → class, 11 itself.
  assert.deepEqual(Array.from(new BigInt64Array(bytes.buffer), Number), [
    ...[11, 9, 9, 9, 9],
    ...[10, 4, 3, 1, 0],
    ...[10, 5, 4, 2, 1],
    ...[10, 7, 6, 4, 3],
    ...[10, 8, 7, 5, 4],
  ]);
});

// softmax(Q·Kᵀ / √D + table[index])·V, element by element.
onEachBackend(
  "beitAttention() adds the bias of each offset on smaller grids too",
  async () => {
    const weights = randomWeights();
    const valuesOf = async (name: string) =>
      await readBack(weights.get(name) ?? assert.fail());
    const table = await valuesOf("attn.relative_position_bias_table");
    const entries = (2 * LARGEST[0] - 1) * (2 * LARGEST[1] - 1) + 3;
    for (const grid of [LARGEST, [2, 1], [1, 2]] as const) {
      const tokens = tokensOf(grid);
      const N = tokens.shape[2];
      const bias = (i: number, j: number, h: number) => {
        const positionOf = (
          k: number,
        ) => [Math.floor((k - 1) / grid[1]), (k - 1) % grid[1]];
        const [[yi = 0, xi = 0], [yj = 0, xj = 0]] = [positionOf(i), positionOf(j)];
        const offset = (yi - yj + LARGEST[0] - 1) * (2 * LARGEST[1] - 1) + xi - xj +
          LARGEST[1] - 1;
        const entry = i === 0 && j === 0
          ? entries - 1
          : i === 0
          ? entries - 3
          : j === 0
          ? entries - 2
          : offset;
        return table[entry * HEADS + h] ?? NaN;
      };
      const biases = tf.tensor3d(
        Float32Array.from(
          { length: HEADS * N * N },
          (_, k) => bias(Math.floor(k / N) % N, k % N, Math.floor(k / N ** 2)),
        ),
        [HEADS, N, N],
      );
      const expected = tf.tidy(() => {
        const weightOf = (name: string) => weights.get(`attn.${name}`) ?? assert.fail();
        const zeros = tf.zeros([CHANNELS]);
        const qkv = tf.add(
          tf.matMul(
            tf.reshape(tokens, [-1, CHANNELS]),
            weightOf("qkv.weight") as tf.Tensor2D,
          ),
          tf.concat([weightOf("q_bias"), zeros, weightOf("v_bias")]),
        );
        const split = tf.reshape(qkv, [2, N, 3, HEADS, CHANNELS / HEADS]);
        const [q, k, v] = tf.unstack(tf.transpose(split, [2, 0, 3, 1, 4]));
        assert.ok(q && k && v);
        const scores = tf.div(tf.matMul(q, k, false, true), Math.sqrt(CHANNELS / HEADS));
        const attended = tf.matMul(tf.softmax(tf.add(scores, biases)), v);
        const merged = tf.reshape<tf.Rank.R2>(tf.transpose(attended, [0, 2, 1, 3]), [
          2 * N,
          CHANNELS,
        ]);
        const out = tf.matMul(merged, weightOf("proj.weight") as tf.Tensor2D);
        return tf.reshape(tf.add(out, weightOf("proj.bias")), [2, 1, N, CHANNELS]);
      });
      const found = layer.apply(weights, { tokens, grid }, EVAL_CONTEXT);
      await assertClose(found, expected, 2e-6, `${grid}`);
    }
    releaseWeights(weights);
  },
);

onEachBackend("beitAttention() matches finite-difference gradients", async () => {
  const weights = randomWeights();
  const names = [...weights.keys()];
  for (const grid of [LARGEST, [2, 2]] as const) {
    await assertGradients(
      (tokens, ...values) =>
        layer.apply(
          new Map(names.map((name, i) => [name, values[i] ?? assert.fail()])),
          { tokens: tokens as tf.Tensor4D, grid },
          EVAL_CONTEXT,
        ),
      [tokensOf(grid), ...weights.values()],
    );
  }
  releaseWeights(weights);
});

onEachBackend("beitAttention() leaks no tensors", () => {
  const weights = randomWeights();
  const tokens = tokensOf(LARGEST);
  const keptCount = tensorsKeptBy(() =>
    tf.tidy(() => layer.apply(weights, { tokens, grid: LARGEST }, EVAL_CONTEXT))
  );
  assert.equal(keptCount, 1);
  releaseWeights(weights);
});

Deno.test("beitAttention() adapts only tables with its head count", () => {
  const adaptShape = layer.parameters[2]?.adaptShape ?? assert.fail();
  const table = (heads: number) => {
    const bytes = new Uint8Array(4 * 52 * heads);
    return { dtype: "F32", shape: [52, heads], bytes } as const;
  };
  assert.deepEqual(adaptShape(table(HEADS))?.shape, [18, HEADS]);
  assert.equal(adaptShape(table(3)), null);
});

Deno.test("beitAttention() rejects heads that do not divide the channels", () => {
  assert.throws(() => beitAttention("attn", 6, { heads: 4, tableGrid: LARGEST }), {
    name: "RangeError",
    message: 'Cannot split attention: "heads" must divide the channels: received 4 for 6',
  });
});
