/**
 * The reference's backward passes, for comparison only: the loss and the feature distance
 * go back through the encoder one after the other, and their gradients are added.
 *
 * @module
 */
import type { Network, Weights } from "../src/core/network.ts";
import { releaseWeights } from "../src/core/weights.ts";
import * as tf from "../src/core/tf.ts";
import type { Objective } from "../src/methods/learner.ts";
import type { FeatureDistance } from "../src/methods/source_loss.ts";

interface TapeEngine {
  readonly state: { kernelDepth: number };
  gradients(f: () => tf.Scalar, xs: tf.Tensor[], dy: null, allowNone: true): {
    grads: (tf.Tensor | undefined)[];
  };
}

/**
 * Makes an objective of an anchor whose distance has a backward pass of its own.
 *
 * @param build The objective, given such an anchor.
 */
export function separateBackward(
  network: Network,
  featureDistance: FeatureDistance,
  build: (featureDistance: FeatureDistance) => Objective,
): Objective {
  const encoder = network.encoder.parameters.filter(({ trainable }) => trainable);
  let student: Weights = new Map();
  let distanceGradient: Weights = new Map();
  const { forwardBackward, clearCache } = build((batch) => {
    const { distance, release } = featureDistance(batch);
    return {
      release,
      distance(features, microBatch) {
        const value = distance(features, microBatch);
        return withoutTape((engine) => {
          const names = encoder.map(({ name }) => name).filter((name) =>
            student.has(name)
          );
          const values = names.flatMap((name) => student.get(name) ?? []);
          // The tape is open: this goes back over the passes recorded so far.
          const { grads } = engine.gradients(() => value, values, null, true);
          distanceGradient = new Map(names.flatMap((name, i) => {
            const gradientTensor = grads[i];
            return gradientTensor === undefined
              ? []
              : [[name, tf.keep(gradientTensor)] as const];
          }));
          return tf.clone(value); // unknown to the tape
        });
      },
    };
  });
  return {
    clearCache,
    forwardBackward(...args) {
      [student] = args;
      const { gradient, losses } = forwardBackward(...args);
      const summedGradient = new Map([...gradient].map(([name, gradientTensor]) => {
        const distancePart = distanceGradient.get(name);
        return [
          name,
          distancePart === undefined
            ? tf.clone(gradientTensor)
            : tf.add(gradientTensor, distancePart),
        ];
      }));
      releaseWeights(gradient);
      releaseWeights(distanceGradient);
      return { gradient: summedGradient, losses };
    },
  };
}

// tfjs records nothing while a kernel runs, and takes this for one.
function withoutTape<T>(run: (engine: TapeEngine) => T): T {
  const engine = tf.engine() as unknown as TapeEngine;
  engine.state.kernelDepth++;
  try {
    return run(engine);
  } finally {
    engine.state.kernelDepth--;
  }
}
