import type { AuxiliaryHead, Decoder, Encoder, Network } from "../core/network.ts";
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
