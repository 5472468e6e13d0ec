import * as tf from "../../src/core/tf.ts";
import { resizeBilinear, resizeNearest } from "../../src/ops/resize/resize.ts";
import { randomTensor, testWasmKernels } from "../support/mod.ts";

// Batch, height, width, channels, height and width of the result.
const SIZES = [
  [1, 1, 1, 1, 1, 2],
  [2, 1, 3, 3, 4, 1],
  [2, 3, 2, 5, 12, 8],
  [1, 4, 5, 19, 7, 13],
  [1, 8, 9, 4, 3, 2],
  [2, 5, 5, 6, 5, 9],
] as const;

function bySize(resize: (x: tf.Tensor4D, size: [number, number]) => tf.Tensor) {
  return Object.fromEntries(SIZES.map(([B, H, W, C, height, width]) => [
    `[${B}, ${H}, ${W}, ${C}] to ${height}×${width}`,
    () => {
      const x = randomTensor<tf.Rank.R4>([B, H, W, C], "x");
      const dy = randomTensor<tf.Rank.R4>([B, height, width, C], "dy");
      const f = (x: tf.Tensor) => resize(x as tf.Tensor4D, [height, width]);
      return [f(x), tf.grad(f)(x, dy)];
    },
  ]));
}

testWasmKernels("resizeBilinear", bySize((x, size) => resizeBilinear(x, size)), 1e-6);

testWasmKernels(
  "resizeBilinear with aligned corners",
  bySize((x, size) => resizeBilinear(x, size, { alignCorners: true })),
  1e-6,
);

testWasmKernels("resizeNearest", bySize(resizeNearest), 1e-6);
