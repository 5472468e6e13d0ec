import assert from "node:assert/strict";
import { EVAL_CONTEXT } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { pipe, withoutParameters } from "../../src/layers/sequential.ts";
import { assertClose, onEachBackend, tensorsKeptBy } from "../support/mod.ts";

onEachBackend("pipe() keeps maps between its layers for a gradient alone", async () => {
  const square = withoutParameters((x) => tf.square(x));
  const identity = withoutParameters((x) => x);
  const layers = pipe(identity, square, identity, square, square);
  const x = tf.tensor4d([1, -2], [1, 1, 1, 2]);
  const apply = () => layers.apply(new Map(), x, EVAL_CONTEXT);
  assert.equal(tensorsKeptBy(apply), 1);
  assert.ok(!x.isDisposed);
  assert.equal(pipe(identity).apply(new Map(), x, EVAL_CONTEXT), x);
  const gradient = tf.grad((x) =>
    layers.apply(new Map(), x as tf.Tensor4D, EVAL_CONTEXT)
  );
  await assertClose(gradient(x), [8, 8 * (-2) ** 7], 1e-6);
});
