/**
 * Single values of a sorted tensor, computed on the device. No gradient.
 *
 * @module
 */
import * as tf from "../core/tf.ts";
import * as kernel from "../kernels/order_statistic/mod.ts";

/** Put this in place of a value that must not be counted by {@linkcode percentile}. */
export { NO_VALUE } from "../kernels/order_statistic/mod.ts";

/**
 * The k-th smallest value.
 *
 * @param rank How many values come before it, 0 … size − 1.
 * @returns A scalar; the caller owns it.
 */
export function valueOfRank(values: tf.Tensor, rank: number): tf.Tensor {
  return kernel.valueOfRank(values, rank);
}

/**
 * A percentile with linear interpolation between its neighbours, as NumPy's.
 *
 * @param values Those from {@linkcode NO_VALUE} on are not counted.
 * @param percent 0 … 100
 * @returns A scalar, 3.4e38 if nothing is counted; the caller owns it.
 */
export function percentile(values: tf.Tensor, percent: number): tf.Tensor {
  return kernel.percentile(values, percent / 100);
}

/**
 * The same, with a share that lies on the device: one that differs between iterations.
 *
 * @param share 0 … 1, one element.
 */
export function percentileOfShare(values: tf.Tensor, share: tf.Tensor): tf.Tensor {
  return tf.tidy(() =>
    kernel.toldPercentile(
      tf.concat([tf.reshape(values, [-1]), tf.reshape(share, [1])]),
    )
  );
}
