import {
  batchNorm,
  type Layer,
  parametersOf,
  tf,
  vectorParameter,
  weightOf,
} from "../../nn.ts";

// Of the published network.
const EPSILON = 1e-3;

/** Batch norm as ESPNet has it; the published file is older than PyTorch's batch counter. */
export function espnetNorm(name: string, channels: number): Layer {
  return batchNorm(name, channels, { epsilon: EPSILON, countBatches: false });
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
  const normLayer = espnetNorm(`${name}.bn`, channels);
  const slope = vectorParameter(`${name}.act.weight`, channels, 0.25);
  return {
    parameters: [...parametersOf(normLayer), slope],
    apply: (weights, x, context) =>
      tf.prelu(normLayer.apply(weights, x, context), weightOf(weights, slope)),
  };
}
