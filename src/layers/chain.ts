import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { constantsOf, parametersOf } from "./parameter.ts";

/**
 * Layers one after another.
 *
 * Off the tape, what a layer made on its way is freed before the next one begins, so that
 * looking at a picture needs the memory of one layer and not of all.
 */
export function chain(layers: readonly Layer[]): Layer {
  return {
    parameters: parametersOf(...layers),
    constants: constantsOf(...layers),
    apply(weights, input, pass) {
      let x = input;
      for (const layer of layers) {
        const before = x;
        if (tf.isTaping()) x = layer.apply(weights, before, pass);
        else {
          x = tf.tidy(() => layer.apply(weights, before, pass));
          if (before !== input && before !== x) before.dispose();
        }
      }
      return x;
    },
  };
}
