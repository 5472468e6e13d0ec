/** A percentile, or the k-th smallest value, without leaving the device. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launchOne } from "../kernel.ts";
import shader from "./order_statistic.wgsl" with { type: "text" };
import { orderStatisticReference } from "./reference.ts";

export { NO_VALUE } from "./reference.ts";

const ORDER_STATISTIC: Kernel<"count" | "rank" | "share"> = {
  name: "orderStatistic",
  shader,
  uniforms: { count: "u32", rank: "u32", share: "f32" },
  twin({ rank, share }, inputs, outputs) {
    const [values] = inputs as [Cells];
    const [result] = outputs as [Cells];
    orderStatisticReference(values, result, rank, share);
  },
};

const TOLD: typeof ORDER_STATISTIC = {
  ...ORDER_STATISTIC,
  name: "orderStatisticTold",
  constants: { told: 1 },
  twin({ count, rank }, inputs, outputs) {
    const [cells] = inputs as [Cells];
    const [result] = outputs as [Cells];
    orderStatisticReference(cells.subarray(0, count), result, rank, cells[count] ?? NaN);
  },
};

// One workgroup.
const INVOCATIONS = 64;
const BY_SHARE = 0xffffffff;

/** @returns The value with `rank` smaller ones before it. [] */
export function valueOfRank(values: tf.Tensor, rank: number): tf.Tensor {
  return run(values, rank, 0);
}

/** @returns The percentile `share` of all values below 3e38, linearly interpolated. [] */
export function percentile(values: tf.Tensor, share: number): tf.Tensor {
  return run(values, BY_SHARE, share);
}

/**
 * As {@linkcode percentile} with a share that lies on the device.
 *
 * @param cells The values and behind them the share. [N + 1]
 */
export function toldPercentile(cells: tf.Tensor): tf.Tensor {
  return launchOne(TOLD, {
    uniforms: { count: cells.size - 1, rank: BY_SHARE, share: 0 },
    inputs: [cells],
    outputs: [{ shape: [] }],
    invocations: INVOCATIONS,
  });
}

function run(values: tf.Tensor, rank: number, share: number): tf.Tensor {
  return launchOne(ORDER_STATISTIC, {
    uniforms: { count: values.size, rank, share },
    inputs: [values],
    outputs: [{ shape: [] }],
    invocations: INVOCATIONS,
  });
}
