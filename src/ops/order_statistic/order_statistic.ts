/** Single values of a sorted tensor, computed on the device. No gradient. @module */
import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import shader from "./order_statistic.wgsl" with { type: "text" };
import { orderStatisticReference, RANK_OF_FRACTION } from "./reference.ts";

export { NO_VALUE } from "./reference.ts";

const ORDER_STATISTIC = defineKernel({
  name: "orderStatistic",
  uniforms: { count: "u32", rank: "u32", fraction: "f32" },
  inputs: { values: "u32" },
  outputs: { result: "f32" },
  shader,
  reference: orderStatisticReference,
});

const PERCENTILE_OF_APPENDED_FRACTION: typeof ORDER_STATISTIC = {
  ...ORDER_STATISTIC,
  name: "percentileOfAppendedFraction",
  constants: { fractionAppended: 1 },
  reference({ values, result }, { count, rank }) {
    const fraction = values[count] ?? NaN;
    orderStatisticReference({ values, result }, { count, rank, fraction });
  },
};

/**
 * The k-th smallest value.
 *
 * @param rank How many values come before it, 0 … size − 1.
 * @returns A scalar; the caller owns it.
 */
export function kthValue(values: tf.Tensor, rank: number): tf.Tensor {
  return orderStatistic(ORDER_STATISTIC, values, values.size, rank, 0);
}

/**
 * A percentile with linear interpolation between its neighbors, as NumPy's.
 *
 * @param values Those from {@linkcode NO_VALUE} on are not counted.
 * @param percent 0 … 100
 * @returns A scalar, 3.4e38 if nothing is counted; the caller owns it.
 */
export function percentile(values: tf.Tensor, percent: number): tf.Tensor {
  const fraction = percent / 100;
  return orderStatistic(
    ORDER_STATISTIC,
    values,
    values.size,
    RANK_OF_FRACTION,
    fraction,
  );
}

/**
 * {@linkcode percentile} with a fraction that lies on the device: one that differs between
 * iterations.
 *
 * @param fraction 0 … 1, one element.
 */
export function percentileOfTensorFraction(
  values: tf.Tensor,
  fraction: tf.Tensor,
): tf.Tensor {
  return tf.tidy(() => {
    const both = tf.concat([tf.reshape(values, [-1]), tf.reshape(fraction, [1])]);
    const kernel = PERCENTILE_OF_APPENDED_FRACTION;
    return orderStatistic(kernel, both, values.size, RANK_OF_FRACTION, 0);
  });
}

function orderStatistic(
  kernel: typeof ORDER_STATISTIC,
  values: tf.Tensor,
  count: number,
  rank: number,
  fraction: number,
): tf.Tensor {
  return launch(kernel, {
    uniforms: { count, rank, fraction },
    inputs: { values },
    outputs: { result: [] },
    invocations: 64, // one workgroup
  }).result;
}
