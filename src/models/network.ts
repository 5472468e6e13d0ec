import type { Decoder, Encoder, Network } from "../core/network.ts";
import { parametersOf } from "../layers/parameter.ts";

/**
 * Joins an encoder and a decoder.
 *
 * @param classes Channels of the decoder's logits.
 */
export function network(encoder: Encoder, decoder: Decoder, classes: number): Network {
  return {
    encoder,
    decoder,
    classes,
    parameters: parametersOf(encoder, decoder),
    forward(weights, images, pass) {
      const features = encoder.apply(weights, images, pass);
      const logits = decoder.apply(weights, features, pass);
      return { features, logits };
    },
  };
}
