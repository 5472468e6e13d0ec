import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { constantsOf, parametersOf } from "./parameter.ts";

/**
 * A layer that, off the tape, frees what it made on its way as soon as it is done: looking
 * at a picture then needs the memory of one layer and not of all.
 */
export function frugal<I, O extends tf.TensorContainer>(
  layer: Layer<I, O>,
): Layer<I, O> {
  return {
    ...layer,
    apply(weights, input, pass) {
      const run = () => layer.apply(weights, input, pass);
      return tf.isTaping() ? run() : tf.tidy(run);
    },
  };
}

/** Layers one after another; off the tape, each map is freed once the next one is there. */
export function chain(layers: readonly Layer[]): Layer {
  const links = layers.map(frugal);
  return {
    parameters: parametersOf(...layers),
    constants: constantsOf(...layers),
    apply(weights, input, pass) {
      let x = input;
      for (const link of links) {
        const before = x;
        x = link.apply(weights, before, pass);
        if (!tf.isTaping() && before !== input && before !== x) before.dispose();
      }
      return x;
    },
  };
}
