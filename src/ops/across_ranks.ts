/**
 * What ranks find out together, see `core/ranks.ts`. No gradient flows through any of it; a
 * process that trains alone gets what it gives.
 *
 * @module
 */
import { type Communicator, communicator } from "../core/ranks.ts";
import * as tf from "../core/tf.ts";
import { exchangeTensors } from "../gpu/exchange.ts";

/** Numbers that are sent at a time: 25 MB, enough for the speed of a network. */
const BUCKET_SIZE = 25e6 / 4;

/**
 * The means over all ranks of tensors, element by element, the same bits on every rank.
 *
 * They go in buckets, so that no rank needs a copy of all at once.
 *
 * @param tensors float32.
 * @returns Tensors like them, which the caller owns; those themselves for one rank.
 */
export function meansOverRanks<T extends tf.Tensor>(
  tensors: readonly T[],
): readonly T[] {
  const ranks = communicator();
  if (ranks === null) return tensors;
  return buckets(tensors).flatMap((bucket) =>
    exchangeTensors(bucket, bucket.map(shapeOf), {
      name: "mean over ranks",
      run(values) {
        ranks.sum(values);
        return divide(values, ranks);
      },
      async runAsync(values) {
        await ranks.sumAsync(values);
        return divide(values, ranks);
      },
    })
  ) as T[];
}

/** {@linkcode meansOverRanks} of one tensor. */
export function meanOverRanks<T extends tf.Tensor>(tensor: T): T {
  const [mean] = meansOverRanks([tensor]);
  return mean as T;
}

/**
 * The tensors of all ranks in their order.
 *
 * @param x The same shape on every rank.
 * @returns [N, …]; the caller owns it.
 */
export function gatherOverRanks(x: tf.Tensor): tf.Tensor {
  const ranks = communicator();
  if (ranks === null) return tf.expandDims(x, 0);
  const { shape, dtype } = shapeOf(x);
  const [gathered] = exchangeTensors([x], [{ shape: [ranks.size, ...shape], dtype }], {
    name: "gather over ranks",
    run: (values) => ranks.gather(values),
    runAsync: (values) => ranks.gatherAsync(values),
  });
  return gathered as tf.Tensor;
}

/**
 * A batch whose parts the ranks have.
 *
 * @param part [b, …]
 * @returns [N·b, …]: the part itself, or a tensor that the caller owns.
 */
export function gatherBatch(part: tf.Tensor): tf.Tensor {
  if (communicator() === null) return part;
  return tf.tidy(() => {
    const [, ...rest] = part.shape;
    return tf.reshape(gatherOverRanks(part), [-1, ...rest]);
  });
}

function divide(
  values: Float32Array<ArrayBuffer>,
  { size }: Communicator,
): Float32Array<ArrayBuffer> {
  for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) / size;
  return values;
}

function shapeOf({ shape, dtype }: tf.Tensor) {
  return { shape, dtype: dtype === "int32" ? "int32" : "float32" } as const;
}

// Neighbors together, as far as they fit; a large tensor is a bucket of its own.
function buckets<T extends tf.Tensor>(tensors: readonly T[]): T[][] {
  const all: T[][] = [];
  let size = Infinity;
  for (const tensor of tensors) {
    size += tensor.size;
    if (size > BUCKET_SIZE) {
      all.push([]);
      size = tensor.size;
    }
    all.at(-1)?.push(tensor);
  }
  return all;
}
