import { batchNorm, type Layer, parametersOf, tf, vector, weightOf } from "../../mod.ts";

// Of the published network.
const EPSILON = 1e-3;

/** Batch norm as ESPNet has it; the published file is older than PyTorch's batch counter. */
export function norm(name: string, channels: number): Layer {
  return batchNorm(name, channels, { epsilon: EPSILON, counted: false });
}

/**
 * Batch norm, then PReLU with a slope for each channel.
 *
 *   y = max(z, 0) + slope · min(z, 0), z = norm(x)
 *
 * Source: He et al., "Delving Deep into Rectifiers" (ICCV 2015),
 * https://arxiv.org/abs/1502.01852.
 *
 * @param name Parameters are `<name>.bn.*` and `<name>.act.weight` [C].
 */
export function normPrelu(name: string, channels: number): Layer {
  const before = norm(`${name}.bn`, channels);
  const slope = vector(`${name}.act.weight`, channels, 0.25);
  return {
    parameters: [...parametersOf(before), slope],
    apply: (weights, x, pass) =>
      tf.prelu(before.apply(weights, x, pass), weightOf(weights, slope)),
  };
}
