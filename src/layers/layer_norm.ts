import { type Layer, weightOf } from "../core/network.ts";
import { layerNorm as apply } from "../ops/layer_norm.ts";
import { vector } from "./parameter.ts";

/**
 * Layer norm over channels.
 *
 * @param name Parameters are `<name>.weight` and `<name>.bias`, both [C].
 */
export function layerNorm(name: string, channels: number, epsilon: number): Layer {
  const scale = vector(`${name}.weight`, channels, 1);
  const shift = vector(`${name}.bias`, channels, 0);
  return {
    parameters: [scale, shift],
    apply: (weights, x) =>
      apply(x, weightOf(weights, scale), weightOf(weights, shift), epsilon),
  };
}
