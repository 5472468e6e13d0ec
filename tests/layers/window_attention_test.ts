import assert from "node:assert/strict";
import { EVAL_CONTEXT } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import { windowAttention } from "../../src/layers/window_attention.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";

const layer = (shift: number) =>
  windowAttention("attn", 4, { heads: 2, window: 3, shift });

// Initial tables and matrices are too small to matter.
const weightsOf = (shift: number) => {
  const { parameters } = layer(shift);
  return parameters.map(({ name, shape }) =>
    tf.mul(randomTensor(shape as tf.ShapeMap[tf.Rank], name), 0.7)
  );
};

Deno.test("windowAttention() has the parameter names and order of mmsegmentation", () => {
  const { parameters, derivedBuffers } = layer(1);
  assert.deepEqual(parameters.map(({ name, shape }) => [name, shape]), [
    ["attn.w_msa.relative_position_bias_table", [25, 2]],
    ["attn.w_msa.qkv.weight", [4, 12]],
    ["attn.w_msa.qkv.bias", [12]],
    ["attn.w_msa.proj.weight", [4, 4]],
    ["attn.w_msa.proj.bias", [4]],
  ]);
  assert.deepEqual(derivedBuffers?.map(({ name }) => name), [
    "attn.w_msa.relative_position_index",
  ]);
});

onEachBackend("windowAttention() matches finite-difference gradients", async () => {
  for (const shift of [0, 1]) {
    const { parameters, apply } = layer(shift);
    const x = randomTensor<tf.Rank.R4>([2, 4, 5, 4], "x");
    await assertGradients(
      (x, ...values) => {
        const weights = new Map(parameters.map(({ name }, i) => [name, values[i] ?? x]));
        return apply(weights, x as tf.Tensor4D, EVAL_CONTEXT);
      },
      [x, ...weightsOf(shift)],
    );
  }
});

onEachBackend("windowAttention() does not attend across windows", async () => {
  for (const [shift, visible] of [[0, 3], [1, 1]] as const) {
    const { parameters, apply } = layer(shift);
    const values = weightsOf(shift);
    const weights = new Map(
      parameters.map(({ name }, i) => [name, values[i] ?? tf.zeros([1])]),
    );
    const x = randomTensor<tf.Rank.R4>([1, 6, 6, 4], "x");
    const corner = tf.slice4d(x, [0, 0, 0, 0], [1, visible, visible, 4]);
    const padding = [[0, 0], [0, 6 - visible], [0, 6 - visible], [0, 0]] as [
      number,
      number,
    ][];
    // All pixels outside of the first window change; shifted maps begin with a partial one.
    const changed = tf.add(
      tf.mul(x, tf.pad(tf.onesLike(corner), padding)),
      tf.mul(5, tf.sub(1, tf.pad(tf.onesLike(corner), padding))),
    ) as tf.Tensor4D;
    const cornerOf = (map: tf.Tensor4D) =>
      tf.slice4d(apply(weights, map, EVAL_CONTEXT), [0, 0, 0, 0], [
        1,
        visible,
        visible,
        4,
      ]);
    await assertClose(cornerOf(changed), cornerOf(x), 1e-5);
  }
});

onEachBackend("windowAttention() preserves the map size", () => {
  const { parameters, apply } = layer(1);
  const weights = initializeWeights(parameters, 1);
  for (const [H, W] of [[1, 1], [2, 7], [3, 3]] as const) {
    const x = randomTensor<tf.Rank.R4>([2, H, W, 4]);
    assert.deepEqual(apply(weights, x, EVAL_CONTEXT).shape, x.shape);
  }
  releaseWeights(weights);
});

Deno.test("windowAttention() rejects heads that do not divide the channels", () => {
  assert.throws(() => windowAttention("attn", 10, { heads: 4, window: 7, shift: 0 }), {
    name: "RangeError",
    message:
      'Cannot split attention: "heads" must divide the channels: received 4 for 10',
  });
});

const positionIndexOf = (window: number) => {
  const { derivedBuffers = [] } = windowAttention("attn", 4, {
    heads: 2,
    window,
    shift: 0,
  });
  return derivedBuffers[0] ?? assert.fail();
};

Deno.test("windowAttention() indexes the table entry of each pair of pixels", () => {
  const { name, value } = positionIndexOf(2);
  assert.equal(name, "attn.w_msa.relative_position_index");
  const { dtype, shape, bytes } = value();
  assert.equal(dtype, "I64");
  assert.deepEqual(shape, [4, 4]);
  const index = Array.from(new BigInt64Array(bytes.buffer), Number);
  // Three by three offsets, row by row; 4 is the pixel itself.
  assert.deepEqual(index, [4, 3, 1, 0, 5, 4, 2, 1, 7, 6, 4, 3, 8, 7, 5, 4]);
});

Deno.test("windowAttention() with window 12 uses all 529 entries of the table", () => {
  const { bytes } = positionIndexOf(12).value();
  const index = new Set(new BigInt64Array(bytes.buffer));
  assert.equal(index.size, 529);
  assert.ok(index.has(0n) && index.has(528n));
});
