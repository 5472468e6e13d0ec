/** Comparing tensors, and gradients with finite differences. @module */
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { l2Norms, maxAbsolute } from "../../src/doctor/check.ts";

/** Normal numbers of a fixed seed. */
export function randomTensor<R extends tf.Rank>(
  shape: tf.ShapeMap[R],
  stream = "test",
): tf.Tensor<R> {
  const random = createRandom(7, stream);
  const size = shape.reduce((all, side) => all * side, 1);
  return tf.tensor(Float32Array.from({ length: size }, () => random.normal()), shape);
}

/** Asserts max|a − b| ≤ tolerance · max|b|. */
export async function assertClose(
  actual: tf.Tensor | ArrayLike<number>,
  expected: tf.Tensor | ArrayLike<number>,
  tolerance: number,
  what = "values",
): Promise<void> {
  if (actual instanceof tf.Tensor && expected instanceof tf.Tensor) {
    assert.deepEqual(actual.shape, expected.shape, `${what}: shapes`);
  }
  const a = actual instanceof tf.Tensor ? await readBack(actual) : actual;
  const b = expected instanceof tf.Tensor ? await readBack(expected) : expected;
  assert.equal(a.length, b.length, `${what}: lengths`);
  const { error, largest } = maxAbsolute(a, b);
  assert.ok(
    error <= tolerance * Math.max(largest, 1e-6),
    `${what}: largest error ${error} for values up to ${largest}`,
  );
}

/** Asserts ‖a − b‖₂ ≤ tolerance · ‖b‖₂, b being exact: the measure of rounding errors. */
export async function assertAccurate(
  actual: tf.Tensor,
  exact: Float64Array,
  tolerance: number,
  what = "values",
): Promise<void> {
  const a = await readBack(actual);
  assert.equal(a.length, exact.length, `${what}: lengths`);
  const { difference, size } = l2Norms(a, exact);
  const error = difference / size;
  assert.ok(error <= tolerance, `${what}: relative error ${error}`);
}

// A central difference of float32 sums at this step is good to about three digits.
const STEP = 1e-2;
const TOLERANCE = 4e-3;

/**
 * Compares the gradient of Σ out · weights with central differences along random
 * directions, one input at a time.
 *
 * @param f Must be smooth near the inputs.
 */
export async function assertGradients(
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: readonly tf.Tensor[],
): Promise<void> {
  const probe = f(...inputs);
  const weights = randomTensor(probe.shape as tf.ShapeMap[tf.Rank], "weights");
  probe.dispose();
  const gradients = tf.grads((...xs: tf.Tensor[]) => tf.sum(tf.mul(f(...xs), weights)))(
    [...inputs],
  );
  const value = async (xs: tf.Tensor[]) => {
    const out = tf.tidy(() => tf.mul(f(...xs), weights));
    const values = Array.from(await readBack(out));
    out.dispose();
    return values.reduce((sum, cell) => sum + cell, 0);
  };
  for (const [i, input] of inputs.entries()) {
    const direction = randomTensor(input.shape as tf.ShapeMap[tf.Rank], `direction ${i}`);
    const shifted = (step: number) => {
      const moved = tf.add(input, tf.mul(direction, step));
      return inputs.map((other, k) => k === i ? moved : other);
    };
    const numeric = (await value(shifted(STEP)) - await value(shifted(-STEP))) /
      (2 * STEP);
    const gradient = gradients[i];
    assert.ok(gradient, `input ${i} has a gradient`);
    assert.deepEqual(gradient.shape, input.shape, `gradient ${i}: shape`);
    const along = Array.from(await readBack(tf.mul(gradient, direction)));
    const exact = along.reduce((sum, cell) => sum + cell, 0);
    const scale = Math.sqrt(along.reduce((sum, cell) => sum + cell * cell, 0)) + 1e-3;
    const error = Math.abs(exact - numeric) / Math.max(scale, Math.abs(numeric));
    assert.ok(
      error <= TOLERANCE,
      `gradient of input ${i}: ${exact} but differences give ${numeric}`,
    );
  }
}

/** How many tensors a function leaves behind. */
export function tensorsKeptBy(f: () => unknown): number {
  const before = tf.memory().numTensors;
  f();
  return tf.memory().numTensors - before;
}
