import * as tf from "../../src/core/tf.ts";
import { resizeBilinear } from "../../src/ops/resize_bilinear.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";

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

// Sizes whose places float32 does not hold exactly are among them.
const ENLARGED: readonly [[number, number], [number, number]][] = [
  ...SIZES,
  [[16, 9], [128, 72]],
  [[33, 17], [129, 65]],
  [[180, 3], [65, 5]],
  [[6, 100], [7, 333]],
];

for (const [[height, width], size] of ENLARGED) {
  for (const alignCorners of [false, true]) {
    onEachBackend(
      `resizeBilinear() weighs exactly: ${height}×${width} to ${size.join("×")}` +
        `${alignCorners ? ", corners aligned" : ""}`,
      async () => {
        const x = randomTensor<tf.Rank.R4>([2, height, width, 3], "x");
        const expected = bilinear(await x.array(), size, alignCorners);
        await assertClose(resizeBilinear(x, size, { alignCorners }), expected, 2e-5);
      },
    );
  }
}

function bilinear(
  images: number[][][][],
  [outHeight, outWidth]: readonly [number, number],
  alignCorners: boolean,
): number[] {
  // What of each input enters output t of so many.
  const weight = (inputs: number, outputs: number, t: number, i: number) => {
    const place = alignCorners
      ? (outputs === 1 ? 0 : t * (inputs - 1) / (outputs - 1))
      : (t + 0.5) * inputs / outputs - 0.5;
    return Math.max(0, 1 - Math.abs(Math.min(Math.max(place, 0), inputs - 1) - i));
  };
  const mix = (rows: number[][], weights: (i: number) => number) =>
    (rows[0] ?? []).map((_, c) =>
      rows.reduce((sum, row, i) => {
        const share = weights(i);
        return share === 0 ? sum : sum + share * (row[c] ?? NaN);
      }, 0)
    );
  const [height, width] = [images[0]?.length ?? 0, images[0]?.[0]?.length ?? 0];
  return images.flatMap((image) =>
    Array.from({ length: outHeight }, (_, y) => {
      const lines = image.map((row) => row.flat());
      const line = mix(lines, (i) => weight(height, outHeight, y, i));
      const channels = line.length / width;
      const pixels = Array.from(
        { length: width },
        (_, i) => line.slice(i * channels, (i + 1) * channels),
      );
      return Array.from(
        { length: outWidth },
        (_, x) => mix(pixels, (i) => weight(width, outWidth, x, i)),
      ).flat();
    }).flat()
  );
}
