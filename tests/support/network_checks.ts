/** What the tests of networks and of their parts have in common. @module */
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { lossAndGradient } from "../../src/core/backward.ts";
import { numel } from "../../src/core/host_tensor.ts";
import type { ForwardContext, Parameter, Weights } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { releaseWeights } from "../../src/core/weights.ts";
import { randomTensor } from "./compare.ts";

/** The context of a training step with dropout. */
export const TRAINING: ForwardContext = {
  training: true,
  rngKey: { seed: 1, stream: 2, iteration: 3 },
};

/** Two images of 37×50 pixels; neither side is a multiple of any stride. */
export const oddImages = (): tf.Tensor4D => randomTensor<tf.Rank.R4>([2, 37, 50, 3]);

/** How many numbers an optimizer changes. */
export const trainableCount = (parameters: readonly Parameter[]): number =>
  parameters.filter(({ trainable }) => trainable)
    .reduce((sum, { shape }) => sum + numel(shape), 0);

/**
 * Asserts that a training step has a finite loss, a finite gradient of the right shape for
 * every trained parameter, one of them not 0, and leaks no tensors.
 *
 * @param loss Is called once, in a tidy of its own.
 * @param unused Names of trained parameters that the loss need not depend on.
 */
export async function assertFiniteGradients(
  parameters: readonly Parameter[],
  weights: Weights,
  loss: () => tf.Scalar,
  unused: readonly RegExp[] = [],
): Promise<void> {
  const before = tf.memory().numTensors;
  const { value, gradient } = lossAndGradient(parameters, weights, () => tf.tidy(loss));
  const missing: string[] = [];
  for (const { name, shape } of parameters.filter(({ trainable }) => trainable)) {
    const found = gradient.get(name)?.shape;
    if (found !== undefined) assert.deepEqual(found, [...shape], name);
    else if (!unused.some((pattern) => pattern.test(name))) missing.push(name);
  }
  assert.deepEqual(missing, [], "every trained parameter has a gradient");
  const sums = tf.tidy(() =>
    tf.stack([...gradient.values()].map((tensor) => tf.sum(tf.abs(tensor))))
  );
  assert.ok(Number.isFinite((await readBack(value))[0]), "the loss is finite");
  const sizes = await readBack(sums);
  assert.ok(sizes.every((size: number) => Number.isFinite(size)));
  assert.ok(sizes.some((size: number) => size > 0));
  tf.dispose([value, sums]);
  releaseWeights(gradient);
  assert.equal(tf.memory().numTensors, before, "no tensor is leaked");
}
