import assert from "node:assert/strict";
import { EVALUATION } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initialWeights, releaseWeights } from "../../src/core/weights.ts";
import { windowAttention } from "../../src/layers/window_attention.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";

const layer = (shift: number) =>
  windowAttention("attn", 4, { heads: 2, window: 3, shift });

// Fresh tables and matrices are too small to matter.
const weightsOf = (shift: number) => {
  const { parameters } = layer(shift);
  return parameters.map(({ name, shape }) =>
    tf.mul(randomTensor(shape as tf.ShapeMap[tf.Rank], name), 0.7)
  );
};

Deno.test("windowAttention() has the names and the order of mmsegmentation", () => {
  const { parameters, constants } = layer(1);
  assert.deepEqual(parameters.map(({ name, shape }) => [name, shape]), [
    ["attn.w_msa.relative_position_bias_table", [25, 2]],
    ["attn.w_msa.qkv.weight", [4, 12]],
    ["attn.w_msa.qkv.bias", [12]],
    ["attn.w_msa.proj.weight", [4, 4]],
    ["attn.w_msa.proj.bias", [4]],
  ]);
  assert.deepEqual(constants?.map(({ name }) => name), [
    "attn.w_msa.relative_position_index",
  ]);
});

onEachBackend("windowAttention() has the gradients of finite differences", async () => {
  for (const shift of [0, 1]) {
    const { parameters, apply } = layer(shift);
    const x = randomTensor<tf.Rank.R4>([2, 4, 5, 4], "x");
    await assertGradients(
      (x, ...values) => {
        const weights = new Map(parameters.map(({ name }, i) => [name, values[i] ?? x]));
        return apply(weights, x as tf.Tensor4D, EVALUATION);
      },
      [x, ...weightsOf(shift)],
    );
  }
});

onEachBackend("windowAttention() does not look across windows", async () => {
  for (const [shift, seen] of [[0, 3], [1, 1]] as const) {
    const { parameters, apply } = layer(shift);
    const values = weightsOf(shift);
    const weights = new Map(
      parameters.map(({ name }, i) => [name, values[i] ?? tf.zeros([1])]),
    );
    const x = randomTensor<tf.Rank.R4>([1, 6, 6, 4], "x");
    const corner = tf.slice4d(x, [0, 0, 0, 0], [1, seen, seen, 4]);
    const rest = [[0, 0], [0, 6 - seen], [0, 6 - seen], [0, 0]] as [number, number][];
    // Everything outside of the first window is replaced; rolled maps begin with a part.
    const other = tf.add(
      tf.mul(x, tf.pad(tf.onesLike(corner), rest)),
      tf.mul(5, tf.sub(1, tf.pad(tf.onesLike(corner), rest))),
    ) as tf.Tensor4D;
    const of = (map: tf.Tensor4D) =>
      tf.slice4d(apply(weights, map, EVALUATION), [0, 0, 0, 0], [1, seen, seen, 4]);
    await assertClose(of(other), of(x), 1e-5);
  }
});

onEachBackend("windowAttention() keeps the size of any map", () => {
  const { parameters, apply } = layer(1);
  const weights = initialWeights(parameters, 1);
  for (const [H, W] of [[1, 1], [2, 7], [3, 3]] as const) {
    const x = randomTensor<tf.Rank.R4>([2, H, W, 4]);
    assert.deepEqual(apply(weights, x, EVALUATION).shape, x.shape);
  }
  releaseWeights(weights);
});

Deno.test("windowAttention() asks for heads that divide the channels", () => {
  assert.throws(() => windowAttention("attn", 10, { heads: 4, window: 7, shift: 0 }), {
    name: "RangeError",
    message:
      'Cannot split attention: "heads" must divide the channels: received 4 for 10',
  });
});
