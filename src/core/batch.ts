/** A batch on the device. @module */
import type { HostBatch } from "./host_batch.ts";
import * as tf from "./tf.ts";

/** What a student learns from in one forward and backward pass. */
export interface Batch {
  readonly source: {
    /** Normalized. [B, H, W, C] */
    readonly images: tf.Tensor4D;
    /** Class ids as int32, 255 ignored. [B, H, W] */
    readonly labels: tf.Tensor3D;
  };
  /** Null where the method needs no target. */
  readonly target: { readonly images: tf.Tensor4D } | null;
  /** The same batch in typed arrays, for decisions of the host. */
  readonly host: HostBatch;
}

/** Channels of the images of a batch. */
export const channelsOf = ({ batchSize, height, width, source }: HostBatch): number =>
  source.images.length / (batchSize * height * width);

/** Moves a batch to the device; the caller releases it with {@linkcode releaseBatch}. */
export function uploadBatch(host: HostBatch): Batch {
  const { batchSize: B, height: H, width: W, source, target } = host;
  const labels = Int32Array.from(source.labels);
  const shape = [B, H, W, channelsOf(host)] as const;
  return {
    source: {
      images: tf.tensor4d(source.images, [...shape]),
      labels: tf.tensor3d(labels, [B, H, W], "int32"),
    },
    target: target && { images: tf.tensor4d(target.images, [...shape]) },
    host,
  };
}

/**
 * The images without labels that a student learns from.
 *
 * @throws {RangeError} If the batch has no target.
 */
export function unlabeledImages({ target }: Batch): tf.Tensor4D {
  if (target !== null) return target.images;
  throw new RangeError(
    "Cannot learn without labels: unlabeled images are needed; give the run a target",
  );
}

/** Neighboring samples of x, whose first axis is the batch; x itself for all samples. */
export function sliceBatch<T extends tf.Tensor>(x: T, start: number, count: number): T {
  const [B = 0, ...rest] = x.shape;
  if (start === 0 && count === B) return x;
  return tf.slice(x, [start, ...rest.map(() => 0)], [count, ...rest]);
}

/** Frees the tensors of a batch. */
export function releaseBatch({ source, target }: Batch): void {
  tf.dispose([source.images, source.labels]);
  target?.images.dispose();
}
