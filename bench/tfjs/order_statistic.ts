import * as tf from "../../src/core/tf.ts";
import { NO_VALUE } from "../../src/ops/order_statistic/reference.ts";

export { NO_VALUE };

/** Sorts everything. */
export function kthValue(values: tf.Tensor, rank: number): tf.Tensor {
  return tf.tidy(() => tf.reshape(tf.slice(sorted(values), [rank], [1]), []));
}

/** Sorts everything and reads at the two places around the percentile. */
export function percentile(values: tf.Tensor, percent: number): tf.Tensor {
  return percentileOfTensorFraction(values, percent / 100);
}

/** The same, with a share that lies on the device. */
export function percentileOfTensorFraction(
  values: tf.Tensor,
  share: tf.Tensor | number,
): tf.Tensor {
  return tf.tidy(() => {
    const part = typeof share === "number" ? share : tf.reshape(share, []);
    const ascending = sorted(values);
    const count = tf.sum(tf.cast(tf.less(values, NO_VALUE), "float32"));
    const place = tf.mul(tf.maximum(tf.sub(count, 1), 0), part);
    const low = tf.floor(place);
    const at = (index: tf.Tensor) => tf.gather(ascending, tf.cast(index, "int32"));
    const lower = at(low);
    const upper = at(tf.minimum(tf.add(low, 1), tf.maximum(tf.sub(count, 1), 0)));
    return tf.add(lower, tf.mul(tf.sub(upper, lower), tf.sub(place, low)));
  });
}

function sorted(values: tf.Tensor): tf.Tensor1D {
  const flat = tf.reshape<tf.Rank.R1>(values, [values.size]);
  return tf.reverse(tf.topk(flat, values.size).values);
}
