import {
  type AuxiliaryHead,
  type Decoder,
  type Encoder,
  type Network,
  type Pass,
  passLike,
  type Weights,
} from "../core/network.ts";
import type * as tf from "../core/tf.ts";
import { constantsOf, parametersOf } from "../layers/parameter.ts";

/**
 * Joins an encoder and a decoder.
 *
 * @param classes Channels of the decoder's logits.
 * @param auxiliary Heads that see the same maps while the network trains.
 */
export function network(
  encoder: Encoder,
  decoder: Decoder,
  classes: number,
  auxiliary: readonly AuxiliaryHead[] = [],
): Network {
  const parts = [encoder, decoder, ...auxiliary.map(({ decoder }) => decoder)];
  const beside = (weights: Weights, features: tf.Tensor4D[], pass: Pass) =>
    auxiliary.map(({ decoder, lossWeight }) => ({
      logits: decoder.apply(weights, features, pass),
      lossWeight,
    }));
  const represent = decoder.applyWithRepresentation;
  return {
    encoder,
    decoder,
    auxiliary,
    classes,
    parameters: parametersOf(...parts),
    constants: constantsOf(...parts),
    forward(weights, images, pass) {
      const features = encoder.apply(weights, images, pass);
      if (!pass.training) {
        return { features, logits: decoder.apply(weights, features, pass), sides: [] };
      }
      const { logits, sides } = decoder.applyWithSides?.(weights, features, pass) ??
        { logits: decoder.apply(weights, features, pass), sides: [] };
      return { features, logits, sides: [...sides, ...beside(weights, features, pass)] };
    },
    ...represent && {
      forwardWithRepresentation(weights: Weights, images: tf.Tensor4D, pass: Pass) {
        const features = encoder.apply(weights, images, pass);
        const both = represent.call(decoder, weights, features, pass);
        const sides = pass.training ? beside(weights, features, pass) : [];
        return { features, ...both, sides };
      },
    },
  };
}

/**
 * A network whose blocks keep nothing but their input for the gradient and compute the
 * rest again: the memory of its maps shrinks to that of one block and the blocks' inputs,
 * and a step costs one more forward pass of the blocks.
 *
 * Blocks are the links of a `chain` and the blocks of BEiT: those of every encoder here.
 */
export function recomputing(network: Network): Network {
  const { forwardWithRepresentation: represent } = network;
  const again = (pass: Pass) => passLike(pass, { recompute: true });
  return {
    ...network,
    forward: (weights, images, pass) => network.forward(weights, images, again(pass)),
    ...represent && {
      forwardWithRepresentation: (weights: Weights, images: tf.Tensor4D, pass: Pass) =>
        represent.call(network, weights, images, again(pass)),
    },
  };
}
