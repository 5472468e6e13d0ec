import {
  type AuxiliaryHead,
  type Decoder,
  deriveContext,
  type Encoder,
  type ForwardContext,
  type Layer,
  type Network,
  type Weights,
} from "../core/network.ts";
import { derivedBuffersOf, parametersOf } from "../layers/parameter.ts";
import { freezableEncoder } from "./frozen_parameters.ts";

/**
 * Joins an encoder and a decoder.
 *
 * @param classCount Channels of the decoder's logits.
 * @param auxiliaryHeads Heads on the same feature maps, for training.
 */
export function encoderDecoder(
  givenEncoder: Encoder,
  decoder: Decoder,
  classCount: number,
  auxiliaryHeads: readonly AuxiliaryHead[] = [],
): Network {
  const encoder = freezableEncoder(givenEncoder);
  const parts = [encoder, decoder, ...auxiliaryHeads.map(({ decoder }) => decoder)];
  type Arguments = Parameters<Network["decode"]>;
  const headLogits = (...[weights, features, context]: Arguments) =>
    (context.training ? auxiliaryHeads : []).map(({ decoder, lossWeight }) => ({
      logits: decoder.apply(weights, features, context),
      lossWeight,
    }));
  const decode = (...args: Arguments) => {
    const [, , { training }] = args;
    const { logits, auxiliaryLogits } =
      (training ? decoder.applyWithAuxiliary?.(...args) : undefined) ??
        { logits: decoder.apply(...args), auxiliaryLogits: [] };
    return { logits, auxiliaryLogits: [...auxiliaryLogits, ...headLogits(...args)] };
  };
  const applyWithRepresentation = decoder.applyWithRepresentation?.bind(decoder);
  const decodeWithRepresentation = applyWithRepresentation &&
    ((...args: Arguments) => ({
      ...applyWithRepresentation(...args),
      auxiliaryLogits: headLogits(...args),
    }));
  return {
    encoder,
    decoder,
    auxiliaryHeads,
    classCount,
    parameters: parametersOf(...parts),
    derivedBuffers: derivedBuffersOf(...parts),
    decode,
    forward(weights, images, context) {
      const features = encoder.apply(weights, images, context);
      return { features, ...decode(weights, features, context) };
    },
    ...decodeWithRepresentation && {
      decodeWithRepresentation,
      forwardWithRepresentation(weights, images, context) {
        const features = encoder.apply(weights, images, context);
        return { features, ...decodeWithRepresentation(weights, features, context) };
      },
    } satisfies Partial<Network>,
  };
}

/**
 * A network that uses activation checkpointing: its blocks keep only their input for the
 * gradient and compute the rest again. Only the blocks' inputs and the maps of one block
 * are in memory, and a step costs one more forward pass of the blocks.
 *
 * Blocks are the layers of {@linkcode sequential} and the blocks of BEiT: those of every
 * encoder here.
 */
export function withActivationCheckpointing(network: Network): Network {
  const { encoder, forwardWithRepresentation, decodeWithRepresentation } = network;
  const checkpointing =
    <I, O>(apply: Layer<I, O>["apply"]): Layer<I, O>["apply"] =>
    (weights: Weights, input: I, context: ForwardContext) =>
      apply(weights, input, deriveContext(context, { activationCheckpointing: true }));
  return {
    ...network,
    encoder: { ...encoder, apply: checkpointing(encoder.apply.bind(encoder)) },
    decode: checkpointing(network.decode.bind(network)),
    forward: checkpointing(network.forward.bind(network)),
    ...forwardWithRepresentation && {
      forwardWithRepresentation: checkpointing(forwardWithRepresentation.bind(network)),
    },
    ...decodeWithRepresentation && {
      decodeWithRepresentation: checkpointing(decodeWithRepresentation.bind(network)),
    },
  };
}
