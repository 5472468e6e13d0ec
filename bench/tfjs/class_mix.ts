import * as tf from "../../src/core/tf.ts";
import type { MixedBatch } from "../../src/ops/class_mix/class_mix.ts";
import { LABEL_VALUES } from "../../src/ops/class_mix/reference.ts";

export { LABEL_VALUES };
export type { MixedBatch };

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
  source: Omit<MixedBatch, "pixelWeights">,
  target: MixedBatch,
): MixedBatch {
  return tf.tidy(() => {
    const pasted = tf.cast(mask, "bool");
    const images = tf.where(tf.expandDims(pasted, -1), source.images, target.images);
    const labels = tf.where(pasted, source.labels, target.labels);
    const pixelWeights = tf.where(
      pasted,
      tf.onesLike(target.pixelWeights),
      target.pixelWeights,
    );
    return { images, labels, pixelWeights };
  }) as unknown as MixedBatch;
}
