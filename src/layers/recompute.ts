import { gradients } from "../core/backward.ts";
import type { Parameter, Pass, Weights } from "../core/network.ts";
import { passLike } from "../core/network.ts";
import * as tf from "../core/tf.ts";

/**
 * Applies a block of layers and keeps nothing but its input for the gradient, which
 * computes the rest again. Bit for bit, result and gradients are those of the block:
 * chance is drawn by number, so a second time is like the first, and buffers are changed
 * the first time only.
 *
 * Source: Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016),
 * https://arxiv.org/abs/1604.06174.
 *
 * @param parameters What the block may read of the weights.
 * @param apply The block.
 * @returns Its result; the caller owns it.
 */
export function recompute<T extends tf.Tensor>(
  parameters: readonly Parameter[],
  weights: Weights,
  x: tf.Tensor,
  pass: Pass,
  apply: (weights: Weights, x: tf.Tensor, pass: Pass) => T,
): T {
  // The tape reads the inputs after the forward pass, which finds out what they are: a
  // weight that nobody reads must not get a gradient.
  const inputs: Record<string, tf.Tensor> = { [INPUT]: x };
  const noted = noting(parameters, weights, inputs);
  return tf.differentiable<T>(
    inputs,
    (save) => {
      save([x]);
      return apply(noted, x, passLike(pass, {}));
    },
    (dy, saved) => {
      const input = saved[0] ?? x;
      const again = passLike(pass, { repeated: true });
      const names = Object.keys(inputs);
      const { value, grads } = gradients(
        () => apply(weights, input, again),
        names.map((name) => name === INPUT ? input : inputs[name] ?? input),
        dy,
      );
      value.dispose();
      return Object.fromEntries(
        names.map((name, i) => [name, () => grads[i] ?? tf.zerosLike(inputs[name] ?? x)]),
      );
    },
  );
}

// No parameter has this name.
const INPUT = "";

/** The weights of the parameters; those that learn are noted when they are read. */
function noting(
  parameters: readonly Parameter[],
  weights: Weights,
  noted: Record<string, tf.Tensor>,
): Weights {
  const trained = new Set<string>();
  const values = new Map<string, tf.Tensor>();
  for (const { name, trained: learns } of parameters) {
    const value = weights.get(name);
    if (value === undefined) continue;
    values.set(name, value);
    if (learns) trained.add(name);
  }
  const get = values.get.bind(values);
  values.get = (name) => {
    const value = get(name);
    if (value !== undefined && trained.has(name)) noted[name] = value;
    return value;
  };
  return values;
}
