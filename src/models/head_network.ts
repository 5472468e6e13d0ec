import type {
  Encoder,
  ForwardContext,
  Network,
  Parameter,
  Weights,
} from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { noGrad } from "../ops/no_grad.ts";

/** A network of which decoder and heads alone learn, pass after pass on the same batch. */
export interface HeadNetwork {
  /**
   * The network. Its encoder's parameters are frozen, though nothing in it runs otherwise
   * than in training.
   */
  readonly network: Network;
  /** The whole one, whose maps can be captured. */
  readonly whole: Network;
  /**
   * Begins a pass on a batch, which must make the same forward passes as the first one on
   * it: they get the maps that the encoder gave there.
   *
   * @param fixed Weights of whose forward passes the results are kept, not the maps alone.
   */
  beginPass(batch: object, fixed: Weights | null): void;
  /**
   * Runs code in which forward passes of the whole network are those of the first pass on
   * this batch: what its encoder gives is kept.
   */
  captureMaps<T>(run: () => T): T;
  /** Frees what is kept of all batches. */
  clear(): void;
}

/** Makes it of a whole one. */
export function headNetwork(network: Network): HeadNetwork {
  const { encoder, forwardWithRepresentation } = network;
  const keptByBatch = new Map<object, tf.Tensor[][]>();
  let kept: tf.Tensor[][] = [];
  let next = 0;
  let fixedWeights: Weights | null = null;
  let isCapturing = false;

  /** The tensors of the next call of the pass, computed in the first pass. */
  const keepOrReuse = <T extends tf.Tensor[]>(compute: () => T): T => {
    const tensors = kept[next] ?? noGrad(compute).map((tensor) => tf.keep(tensor));
    kept[next++] = tensors;
    return tensors.map((tensor) => tf.clone(tensor)) as T;
  };
  const encode: Encoder["apply"] = (...args) => keepOrReuse(() => encoder.apply(...args));
  type Arguments = [weights: Weights, images: tf.Tensor4D, context: ForwardContext];
  return {
    network: {
      ...network,
      parameters: freeze(network.parameters, encoder.parameters),
      encoder: { ...encoder, apply: encode },
      forward(...args: Arguments) {
        const [weights, images, context] = args;
        if (weights === fixedWeights) {
          const [logits] = keepOrReuse<[tf.Tensor4D]>(() => [
            network.forward(...args).logits,
          ]);
          return { features: [], logits, auxiliaryLogits: [] };
        }
        const features = encode(weights, images, context);
        return { features, ...network.decode(weights, features, context) };
      },
      ...forwardWithRepresentation && {
        forwardWithRepresentation(...args: Arguments) {
          const [weights, images, context] = args;
          if (weights === fixedWeights) {
            const [logits, representation] = keepOrReuse<[tf.Tensor4D, tf.Tensor4D]>(
              () => {
                const output = forwardWithRepresentation.call(network, ...args);
                return [output.logits, output.representation];
              },
            );
            return { features: [], logits, representation, auxiliaryLogits: [] };
          }
          const features = encode(weights, images, context);
          const decoded = network.decodeWithRepresentation?.(weights, features, context);
          if (decoded !== undefined) return { features, ...decoded };
          throw new TypeError(
            'Cannot look ahead "by: head": the network has no decodeWithRepresentation(); ' +
              "join it by encoderDecoder()",
          );
        },
      },
    },
    whole: {
      ...network,
      forward(...args: Arguments) {
        const output = network.forward(...args);
        if (isCapturing) {
          kept[next++] = output.features.map((map) => tf.keep(tf.clone(map)));
        }
        return output;
      },
    },
    captureMaps(run) {
      isCapturing = true;
      try {
        return run();
      } finally {
        isCapturing = false;
      }
    },
    beginPass(batch, fixed) {
      kept = keptByBatch.get(batch) ?? [];
      keptByBatch.set(batch, kept);
      next = 0;
      fixedWeights = fixed;
    },
    clear() {
      tf.dispose([...keptByBatch.values()]);
      keptByBatch.clear();
    },
  };
}

function freeze(
  parameters: readonly Parameter[],
  selected: readonly Parameter[],
): Parameter[] {
  const names = new Set(selected.map(({ name }) => name));
  return parameters.map((parameter) =>
    parameter.trainable && names.has(parameter.name)
      ? { ...parameter, trainable: false, isFrozen: true }
      : parameter
  );
}
