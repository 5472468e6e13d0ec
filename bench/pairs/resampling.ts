/** Maps at another size. @module */
import type * as tf from "../../src/core/tf.ts";
import { adaptiveAveragePool, averagePool } from "../../src/ops/average_pool.ts";
import { maxPool } from "../../src/ops/max_pool.ts";
import { resizeBilinear } from "../../src/ops/resize_bilinear.ts";
import { resizeNearest } from "../../src/ops/resize_nearest.ts";
import * as stockAveragePool from "../stock/average_pool.ts";
import { maxPool as stockMaxPool } from "../stock/max_pool.ts";
import { resizeBilinear as stockResizeBilinear } from "../stock/resize_bilinear.ts";
import { resizeNearest as stockResizeNearest } from "../stock/resize_nearest.ts";
import type { MapShape } from "./convolution.ts";
import { numbers, type Pair, pair } from "./pair.ts";

type Size = readonly [height: number, width: number];
type Resample = (x: tf.Tensor4D) => tf.Tensor4D;

/** Bilinear, with half-pixel centres or aligned corners. */
export function resizeBilinearPair(
  shape: MapShape,
  size: Size,
  alignCorners = false,
): Pair {
  return onMaps(
    shape,
    (x) => resizeBilinear(x, size, { alignCorners }),
    (x) => stockResizeBilinear(x, size, { alignCorners }),
  );
}

/** Nearest. */
export function resizeNearestPair(shape: MapShape, size: Size): Pair {
  return onMaps(
    shape,
    (x) => resizeNearest(x, size),
    (x) => stockResizeNearest(x, size),
  );
}

/** Maxima of overlapping windows, as after the stem of a ResNet. */
export function maxPoolPair(shape: MapShape): Pair {
  const options = { window: 3, stride: 2, padding: 1 };
  return onMaps(shape, (x) => maxPool(x, options), (x) => stockMaxPool(x, options));
}

/** Means of windows that touch. */
export function averagePoolPair(shape: MapShape, window: number): Pair {
  return onMaps(
    shape,
    (x) => averagePool(x, { window }),
    (x) => stockAveragePool.averagePool(x, { window }),
  );
}

/** Means of a grid of bins. */
export function adaptiveAveragePoolPair(shape: MapShape, size: Size): Pair {
  return onMaps(
    shape,
    (x) => adaptiveAveragePool(x, size),
    (x) => stockAveragePool.adaptiveAveragePool(x, size),
  );
}

function onMaps(shape: MapShape, ours: Resample, stock: Resample): Pair {
  return pair(
    () => [numbers(shape)],
    [(x) => ours(x as tf.Tensor4D), (x) => stock(x as tf.Tensor4D)],
    { slopes: 1, tolerance: 1e-4 },
  );
}
