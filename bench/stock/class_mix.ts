import * as tf from "../../src/core/tf.ts";
import type { MixedTensors } from "../../src/kernels/class_mix/mod.ts";
import { LABEL_VALUES } from "../../src/kernels/class_mix/reference.ts";

export { LABEL_VALUES };
export type { MixedTensors };

/** Looks every label up in its sample's table. */
export function classMask(labels: tf.Tensor, chosen: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const B = labels.shape[0] ?? 1;
    const first = tf.tensor(
      Array.from({ length: B }, (_, b) => b * LABEL_VALUES),
      [B, 1, 1],
      "int32",
    );
    return tf.gather(tf.reshape(chosen, [-1]), tf.add(labels, first) as tf.Tensor1D);
  });
}

/** Three selections. */
export function pasteSource(
  mask: tf.Tensor,
  source: Omit<MixedTensors, "weights">,
  target: MixedTensors,
): MixedTensors {
  return tf.tidy(() => {
    const pasted = tf.cast(mask, "bool");
    const images = tf.where(tf.expandDims(pasted, -1), source.images, target.images);
    const labels = tf.where(pasted, source.labels, target.labels);
    const weights = tf.where(pasted, tf.onesLike(target.weights), target.weights);
    return { images, labels, weights };
  }) as unknown as MixedTensors;
}
