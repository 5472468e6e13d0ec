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
import type { Anchor } from "../src/methods/source_loss.ts";

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
  anchor: Anchor,
  build: (anchor: Anchor) => Objective,
): Objective {
  const encoder = network.encoder.parameters.filter(({ trained }) => trained);
  let student: Weights = new Map();
  let slope: Weights = new Map();
  const { evaluate, forget } = build((batch) => {
    const { distance, release } = anchor(batch);
    return {
      release,
      distance(features, portion) {
        const value = distance(features, portion);
        return offTape((engine) => {
          const names = encoder.map(({ name }) => name).filter((name) =>
            student.has(name)
          );
          const values = names.flatMap((name) => student.get(name) ?? []);
          // The tape is open: this goes back over the passes recorded so far.
          const { grads } = engine.gradients(() => value, values, null, true);
          slope = new Map(names.flatMap((name, i) => {
            const one = grads[i];
            return one === undefined ? [] : [[name, tf.keep(one)] as const];
          }));
          return tf.clone(value); // unknown to the tape
        });
      },
    };
  });
  return {
    forget,
    evaluate(...args) {
      [student] = args;
      const { gradient, losses } = evaluate(...args);
      const whole = new Map([...gradient].map(([name, one]) => {
        const other = slope.get(name);
        return [name, other === undefined ? tf.clone(one) : tf.add(one, other)];
      }));
      releaseWeights(gradient);
      releaseWeights(slope);
      return { gradient: whole, losses };
    },
  };
}

// tfjs records nothing while a kernel runs, and takes this for one.
function offTape<T>(run: (engine: TapeEngine) => T): T {
  const engine = tf.engine() as unknown as TapeEngine;
  engine.state.kernelDepth++;
  try {
    return run(engine);
  } finally {
    engine.state.kernelDepth--;
  }
}
