/** Maps at another size. @module */
import type * as tf from "../../src/core/tf.ts";
import { resizeBicubic } from "../../src/ops/bicubic/bicubic.ts";
import { adaptiveAveragePool, averagePool } from "../../src/ops/pool/average_pool.ts";
import { maxPool } from "../../src/ops/pool/max_pool.ts";
import { resizeBilinear, resizeNearest } from "../../src/ops/resize/resize.ts";
import * as tfjsAveragePool from "../tfjs/average_pool.ts";
import { resizeBicubic as tfjsResizeBicubic } from "../tfjs/bicubic.ts";
import { maxPool as tfjsMaxPool } from "../tfjs/max_pool.ts";
import {
  resizeBilinear as tfjsResizeBilinear,
  resizeNearest as tfjsResizeNearest,
} from "../tfjs/resize.ts";
import type { MapShape } from "./convolution.ts";
import { normalTensor, type Pair, pair } from "./pair.ts";

type Size = readonly [height: number, width: number];
type Resample = (x: tf.Tensor4D) => tf.Tensor4D;

/** Bilinear, with half-pixel centers or aligned corners. */
export function resizeBilinearPair(
  shape: MapShape,
  size: Size,
  alignCorners = false,
): Pair {
  return onMaps(
    shape,
    (x) => resizeBilinear(x, size, { alignCorners }),
    (x) => tfjsResizeBilinear(x, size, { alignCorners }),
  );
}

/** Nearest. */
export function resizeNearestPair(shape: MapShape, size: Size): Pair {
  return onMaps(
    shape,
    (x) => resizeNearest(x, size),
    (x) => tfjsResizeNearest(x, size),
  );
}

/** Bicubic, as DINOv2's table of positions. */
export function resizeBicubicPair(
  shape: readonly [height: number, width: number, channels: number],
  size: Size,
): Pair {
  const options = { offset: 0.1 };
  return pair(
    () => [normalTensor<tf.Rank.R3>([...shape])],
    [
      (x) => resizeBicubic(x as tf.Tensor3D, size, options),
      (x) => tfjsResizeBicubic(x as tf.Tensor3D, size, options),
    ],
    { differentiableInputs: 1, tolerance: 1e-4 },
  );
}

/** Maxima of overlapping windows, as after the stem of a ResNet. */
export function maxPoolPair(shape: MapShape): Pair {
  const options = { window: 3, stride: 2, padding: 1 };
  return onMaps(shape, (x) => maxPool(x, options), (x) => tfjsMaxPool(x, options));
}

/** Means of windows that touch. */
export function averagePoolPair(shape: MapShape, window: number): Pair {
  return onMaps(
    shape,
    (x) => averagePool(x, { window }),
    (x) => tfjsAveragePool.averagePool(x, { window }),
  );
}

/** Means of a grid of bins. */
export function adaptiveAveragePoolPair(shape: MapShape, size: Size): Pair {
  return onMaps(
    shape,
    (x) => adaptiveAveragePool(x, size),
    (x) => tfjsAveragePool.adaptiveAveragePool(x, size),
  );
}

function onMaps(shape: MapShape, ours: Resample, tfjs: Resample): Pair {
  return pair(
    () => [normalTensor(shape)],
    [(x) => ours(x as tf.Tensor4D), (x) => tfjs(x as tf.Tensor4D)],
    { differentiableInputs: 1, tolerance: 1e-4 },
  );
}
