import * as tf from "../../src/core/tf.ts";
import { resizeBilinear } from "../../src/ops/resize_bilinear.ts";
import { assertGradients, onEachBackend, randomTensor } from "../support/mod.ts";

const SIZES: readonly [[number, number], [number, number]][] = [
  [[5, 7], [20, 28]],
  [[5, 7], [11, 9]],
  [[16, 12], [5, 9]],
  [[1, 1], [4, 3]],
  [[7, 5], [1, 1]],
  [[3, 8], [24, 8]],
];

for (const [[height, width], size] of SIZES) {
  for (const alignCorners of [false, true]) {
    onEachBackend(
      `resizeBilinear() has the gradient of finite differences: ${height}×${width} to ` +
        `${size.join("×")}${alignCorners ? ", corners aligned" : ""}`,
      async () => {
        const x = randomTensor<tf.Rank.R4>([2, height, width, 3], "x");
        await assertGradients(
          (x) => resizeBilinear(x as tf.Tensor4D, size, { alignCorners }),
          [x],
        );
      },
    );
  }
}
