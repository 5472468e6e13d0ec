import * as tf from "../../src/core/tf.ts";
import type { ArgmaxConfidence } from "../../src/ops/argmax_confidence/argmax_confidence.ts";

/** Softmax, then its largest value and where it is. */
export function argmaxConfidence(logits: tf.Tensor): ArgmaxConfidence {
  return tf.tidy(() => {
    const probabilities = tf.softmax(logits);
    return { labels: tf.argMax(logits, -1), confidence: tf.max(probabilities, -1) };
  }) as unknown as ArgmaxConfidence;
}
