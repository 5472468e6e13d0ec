import {
  type AuxiliaryHead,
  type Decoder,
  type Encoder,
  type Network,
  passLike,
} from "../core/network.ts";
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
      const beside = auxiliary.map(({ decoder, lossWeight }) => ({
        logits: decoder.apply(weights, features, pass),
        lossWeight,
      }));
      return { features, logits, sides: [...sides, ...beside] };
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
  return {
    ...network,
    forward: (weights, images, pass) =>
      network.forward(weights, images, passLike(pass, { recompute: true })),
  };
}
