import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { constantsOf, parametersOf } from "./parameter.ts";
import { recompute } from "./recompute.ts";

/** Where the map is in a layer's input, for layers that are told more than a map. */
export interface MapInput<I> {
  /** Takes the map out. */
  of(input: I): tf.Tensor4D;
  /** The same input with another map. */
  with(input: I, map: tf.Tensor4D): I;
}

const PLAIN: MapInput<tf.Tensor4D> = { of: (map) => map, with: (_, map) => map };

/**
 * A layer that, off the tape, frees what it made on its way as soon as it is done: looking
 * at a picture then needs the memory of one layer and not of all. On the tape, a pass may
 * ask that what it made is computed again for the gradient, see `recompute`.
 */
export function frugal<I, O extends tf.Tensor>(
  layer: Layer<I, O>,
  map: MapInput<I>,
): Layer<I, O> {
  const { parameters } = layer;
  return {
    ...layer,
    apply(weights, input, pass) {
      if (!tf.isTaping()) return tf.tidy(() => layer.apply(weights, input, pass));
      const x = map.of(input);
      if (pass.recompute) {
        return recompute(
          parameters,
          weights,
          x,
          pass,
          (weights, x, pass) =>
            layer.apply(weights, map.with(input, x as tf.Tensor4D), pass),
        );
      }
      // Under a name of its own: the gradients of its uses in here are then added up
      // before those of other uses, as they are where it is computed again.
      return layer.apply(weights, map.with(input, tf.clone(x)), pass);
    },
  };
}

/** Layers one after another; off the tape, each map is freed once the next one is there. */
export function chain(layers: readonly Layer[]): Layer {
  const links = layers.map((layer) => frugal(layer, PLAIN));
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
