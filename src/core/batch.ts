/** A batch on the device. @module */
import type { HostBatch } from "./host_batch.ts";
import * as tf from "./tf.ts";

/** What a method learns from in one loss evaluation. */
export interface Batch {
  readonly source: {
    /** Normalised RGB. [B, H, W, 3] */
    readonly images: tf.Tensor4D;
    /** Class ids as int32, 255 ignored. [B, H, W] */
    readonly labels: tf.Tensor3D;
  };
  /** Null where the method needs no target. */
  readonly target: { readonly images: tf.Tensor4D } | null;
  /** The same batch in plain arrays, for choices that are made on the host. */
  readonly host: HostBatch;
}

/** Moves a batch to the device; the caller releases it with {@linkcode releaseBatch}. */
export function uploadBatch(host: HostBatch): Batch {
  const { batch: B, height: H, width: W, source, target } = host;
  const labels = Int32Array.from(source.labels);
  return {
    source: {
      images: tf.tensor4d(source.images, [B, H, W, 3]),
      labels: tf.tensor3d(labels, [B, H, W], "int32"),
    },
    target: target && { images: tf.tensor4d(target.images, [B, H, W, 3]) },
    host,
  };
}

/** Frees the tensors of a batch. */
export function releaseBatch({ source, target }: Batch): void {
  tf.dispose([source.images, source.labels]);
  target?.images.dispose();
}
