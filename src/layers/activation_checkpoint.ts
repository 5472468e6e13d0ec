/**
 * Activation checkpointing: a block of layers keeps only its input for the gradient and
 * computes the rest again.
 *
 * Source: Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016),
 * https://arxiv.org/abs/1604.06174.
 *
 * @module
 */
import {
  isDifferentiated,
  valueAndGradients,
  withoutGradient,
} from "../core/backward.ts";
import {
  deriveContext,
  type ForwardContext,
  type Layer,
  type Parameter,
  type Weights,
} from "../core/network.ts";
import * as tf from "../core/tf.ts";

/** Access to the feature map in a layer's input, for inputs that are not just a map. */
export interface MapAccessor<I> {
  get(input: I): tf.Tensor4D;
  /** The same input with another map. */
  replace(input: I, map: tf.Tensor4D): I;
}

/**
 * A block of layers that can be checkpointed. Without a gradient it frees its intermediate
 * results as soon as it is done, so that inference, and frozen blocks before the first one
 * that learns, need the memory of one block. With one, it does what
 * `context.activationCheckpointing` says.
 */
export function checkpointable<I, O extends tf.Tensor>(
  layer: Layer<I, O>,
  accessor: MapAccessor<I>,
): Layer<I, O> {
  return {
    ...layer,
    apply(weights, input, context) {
      if (!tf.isGradientRecording()) {
        return tf.tidy(() => layer.apply(weights, input, context));
      }
      const x = accessor.get(input);
      const isFrozen = layer.parameters.every(({ name, trainable }) =>
        !trainable || context.frozen?.has(name)
      );
      if (isFrozen && !isDifferentiated(x)) {
        return withoutGradient(() => tf.tidy(() => layer.apply(weights, input, context)));
      }
      if (context.activationCheckpointing) {
        const block: Layer<tf.Tensor4D, O> = {
          parameters: layer.parameters,
          apply: (weights, x, context) =>
            layer.apply(weights, accessor.replace(input, x), context),
        };
        return activationCheckpoint(block, weights, x, context);
      }
      // As a tensor of its own: the gradients of its uses in the block are then summed
      // before those of other uses, as they are where the block is computed again.
      return layer.apply(weights, accessor.replace(input, tf.clone(x)), context);
    },
  };
}

/**
 * Applies a block and keeps only its input for the gradient. Bit for bit, result and
 * gradients are those of the block: random numbers follow from keys, so the second pass
 * draws the same ones, and it updates no running statistics.
 *
 * @returns The block's result; the caller owns it.
 */
export function activationCheckpoint<T extends tf.Tensor>(
  block: Layer<tf.Tensor4D, T>,
  weights: Weights,
  x: tf.Tensor4D,
  context: ForwardContext,
): T {
  // The tape reads the inputs after the forward pass, which finds out what they are: a
  // weight that the block does not read must not get a gradient.
  const inputs: Record<string, tf.Tensor> = { [INPUT_KEY]: x };
  const trained = block.parameters.filter(({ name, trainable }) =>
    trainable && !context.frozen?.has(name)
  );
  const trackedWeights = trackReads(block.parameters, trained, weights, inputs);
  return tf.differentiable<T>(
    inputs,
    (save) => {
      save([x]);
      return block.apply(trackedWeights, x, deriveContext(context, {}));
    },
    (dy, saved) => {
      const input = saved[0] as tf.Tensor4D;
      const recomputation = deriveContext(context, { isRecomputation: true });
      const names = Object.keys(inputs);
      const { value, grads } = valueAndGradients(
        () => block.apply(weights, input, recomputation),
        names.map((name) => name === INPUT_KEY ? input : inputs[name] ?? input),
        dy,
      );
      value.dispose();
      return Object.fromEntries(
        names.map((name, i) => [name, () => grads[i] ?? tf.zerosLike(inputs[name] ?? x)]),
      );
    },
  );
}

// No parameter has this name.
const INPUT_KEY = "";

/** The weights of the parameters; the trained ones are added to `reads` when they are read. */
function trackReads(
  parameters: readonly Parameter[],
  trained: readonly Parameter[],
  weights: Weights,
  reads: Record<string, tf.Tensor>,
): Weights {
  const trainedNames = new Set(trained.map(({ name }) => name));
  const values = new Map(
    parameters.flatMap(({ name }) => {
      const value = weights.get(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
  const get = values.get.bind(values);
  values.get = (name) => {
    const value = get(name);
    if (value !== undefined && trainedNames.has(name)) reads[name] = value;
    return value;
  };
  return values;
}
