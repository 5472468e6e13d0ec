/** Layers one after another. @module */
import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { checkpointable, type MapAccessor } from "./activation_checkpoint.ts";
import { derivedBuffersOf, parametersOf } from "./parameter.ts";

const MAP_ITSELF: MapAccessor<tf.Tensor4D> = {
  get: (map) => map,
  replace: (_, map) => map,
};

/**
 * The layers of an encoder, one after another, each of which can be checkpointed, see
 * {@linkcode checkpointable}.
 */
export function sequential(layers: readonly Layer[]): Layer {
  return pipe(...layers.map((layer) => checkpointable(layer, MAP_ITSELF)));
}

/** A layer without parameters, such as an activation. */
export function withoutParameters(apply: (x: tf.Tensor4D) => tf.Tensor4D): Layer {
  return { parameters: [], apply: (_weights, x) => apply(x) };
}

/**
 * Layers one after another, as one layer for {@linkcode sequential}. Without a gradient, each
 * map is freed once the next one is computed.
 */
export function pipe(...layers: readonly Layer[]): Layer {
  return {
    parameters: parametersOf(...layers),
    derivedBuffers: derivedBuffersOf(...layers),
    apply(weights, input, context) {
      let x = input;
      for (const layer of layers) {
        const previous = x;
        x = layer.apply(weights, previous, context);
        if (!tf.isGradientRecording() && previous !== input && previous !== x) {
          previous.dispose();
        }
      }
      return x;
    },
  };
}
