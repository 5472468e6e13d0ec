/** Networks of which training leaves a part as it is. @module */
import {
  deriveContext,
  type Encoder,
  EVAL_CONTEXT,
  type ForwardContext,
  type Layer,
  type Network,
  type Parameter,
  type Weights,
} from "../core/network.ts";
import { noGrad } from "../ops/no_grad.ts";

/**
 * A network some of whose parameters are frozen: they have no gradient, and so neither a
 * step nor moments.
 *
 * Batch norm whose parameters are all frozen keeps its running statistics and normalizes
 * with them in training too, in the student and in the teacher, as detectron2's
 * `FrozenBatchNorm2d`. An encoder that is frozen as a whole runs as in evaluation, without
 * dropout and drop path, and leaves nothing for a backward pass.
 *
 * @param names Of trained parameters.
 */
export function withFrozenParameters(
  network: Network,
  names: ReadonlySet<string>,
): Network {
  if (names.size === 0) return network;
  const frozenLayers = frozenPrefixes(network.parameters, names);
  const freeze = (parameter: Parameter): Parameter => {
    const { name, trainable } = parameter;
    const isFrozen = trainable ? names.has(name) : frozenLayers.has(prefixOf(name));
    return isFrozen ? { ...parameter, trainable: false, isFrozen } : parameter;
  };
  const apply =
    <I, O>(apply: Layer<I, O>["apply"]): Layer<I, O>["apply"] =>
    (weights: Weights, input: I, context: ForwardContext) =>
      apply(weights, input, deriveContext(context, { frozen: names }));
  const { encoder, forwardWithRepresentation, decodeWithRepresentation } = network;
  return {
    ...network,
    parameters: network.parameters.map(freeze),
    encoder: { ...encoder, apply: apply(encoder.apply.bind(encoder)) },
    decode: apply(network.decode.bind(network)),
    forward: apply(network.forward.bind(network)),
    ...forwardWithRepresentation && {
      forwardWithRepresentation: apply(forwardWithRepresentation.bind(network)),
    },
    ...decodeWithRepresentation && {
      decodeWithRepresentation: apply(decodeWithRepresentation.bind(network)),
    },
  };
}

/** An encoder that runs as in evaluation where a context says that all of it is frozen. */
export function freezableEncoder(encoder: Encoder): Encoder {
  const trained = encoder.parameters.filter(({ trainable }) => trainable);
  return {
    ...encoder,
    apply(weights, images, context) {
      const { frozen, tokenMask } = context;
      if (frozen === undefined || !trained.every(({ name }) => frozen.has(name))) {
        return encoder.apply(weights, images, context);
      }
      const evaluation = { ...EVAL_CONTEXT, ...tokenMask && { tokenMask } };
      return noGrad(() => encoder.apply(weights, images, evaluation));
    },
  };
}

/** "layer1.0.bn1" of "layer1.0.bn1.running_mean" */
const prefixOf = (name: string) => name.slice(0, name.lastIndexOf("."));

/** The layers whose trained parameters are all frozen. */
function frozenPrefixes(
  parameters: readonly Parameter[],
  names: ReadonlySet<string>,
): ReadonlySet<string> {
  const trained = parameters.filter(({ trainable }) => trainable);
  const learning = new Set(
    trained.filter(({ name }) => !names.has(name)).map(({ name }) => prefixOf(name)),
  );
  return new Set(
    trained.map(({ name }) => prefixOf(name)).filter((prefix) => !learning.has(prefix)),
  );
}
