import { gradients } from "./backward.ts";
import type { Parameter, Weights } from "./network.ts";
import { tellPurpose } from "./rehearsal.ts";
import type * as tf from "./tf.ts";

/**
 * The gradient of a scalar with respect to the trained parameters.
 *
 * @param f Computes the scalar from the weights; may leave other results to its closure
 * with `tf.keep`.
 * @returns The scalar, and a gradient for every parameter that f reads; the caller owns
 * both.
 */
export function gradientOf(
  parameters: readonly Parameter[],
  weights: Weights,
  f: () => tf.Scalar,
): { value: tf.Scalar; gradient: Weights } {
  const names: string[] = [];
  const values: tf.Tensor[] = [];
  for (const { name, trained } of parameters) {
    const value = weights.get(name);
    if (!trained || value === undefined) continue;
    names.push(name);
    values.push(value);
  }
  // Unlike tf.grads, not every parameter need be used: published heads carry unused ones.
  const { value, grads } = gradients(f, values);
  const gradient = new Map<string, tf.Tensor>();
  grads.forEach((grad, i) => {
    const name = names[i];
    if (grad && name !== undefined) gradient.set(name, grad);
  });
  tellPurpose(gradient.values(), "gradient");
  return { value, gradient };
}
