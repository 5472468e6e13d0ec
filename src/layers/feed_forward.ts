import type { Layer } from "../core/network.ts";
import { gelu } from "../ops/gelu.ts";
import { linear } from "./linear.ts";
import { parametersOf } from "./parameter.ts";

/**
 * The MLP of a transformer block: layers.1(gelu(layers.0.0(x))), pixel by pixel.
 *
 * @param name Parameters are `<name>.layers.0.0.*` and `<name>.layers.1.*`, as in mmcv.
 * @param hidden Channels in between.
 */
export function feedForward(name: string, channels: number, hidden: number): Layer {
  const widen = linear(`${name}.layers.0.0`, channels, hidden);
  const narrow = linear(`${name}.layers.1`, hidden, channels);
  return {
    parameters: parametersOf(widen, narrow),
    apply: (weights, x, pass) =>
      narrow.apply(weights, gelu(widen.apply(weights, x, pass)), pass),
  };
}
