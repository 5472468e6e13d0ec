import * as tf from "../../src/core/tf.ts";
import { resizeBilinear, resizeNearest } from "../../src/ops/resize/resize.ts";
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
      `resizeBilinear() matches finite-difference gradients: ${height}×${width} to ` +
        `${size.join("×")}${alignCorners ? ", align corners" : ""}`,
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

// Includes sizes whose positions are not exact in float32.
const EXACT_SIZES: readonly [[number, number], [number, number]][] = [
  ...SIZES,
  [[16, 9], [128, 72]],
  [[33, 17], [129, 65]],
  [[180, 3], [65, 5]],
  [[6, 100], [7, 333]],
];

for (const [[height, width], size] of EXACT_SIZES) {
  for (const alignCorners of [false, true]) {
    onEachBackend(
      `resizeBilinear() equals exact interpolation: ${height}×${width} to ${
        size.join("×")
      }` +
        `${alignCorners ? ", align corners" : ""}`,
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
  // The weight of input i in output t.
  const weight = (inputs: number, outputs: number, t: number, i: number) => {
    const position = alignCorners
      ? (outputs === 1 ? 0 : t * (inputs - 1) / (outputs - 1))
      : (t + 0.5) * inputs / outputs - 0.5;
    return Math.max(0, 1 - Math.abs(Math.min(Math.max(position, 0), inputs - 1) - i));
  };
  const mix = (rows: number[][], weights: (i: number) => number) =>
    (rows[0] ?? []).map((_, c) =>
      rows.reduce((sum, row, i) => {
        const weight = weights(i);
        return weight === 0 ? sum : sum + weight * (row[c] ?? NaN);
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

onEachBackend("resizeNearest() copies input floor(t · in / out)", async () => {
  const x = randomTensor<tf.Rank.R4>([1, 1, 5, 1]);
  const values = await x.data();
  const expected = [0, 0, 1, 2, 2, 3, 4].map((at) => values[at] ?? NaN);
  await assertClose(resizeNearest(x, [1, 7]), expected, 0);
});

onEachBackend("resizeNearest() matches finite-difference gradients", async () => {
  for (const size of [[11, 5], [3, 9], [1, 1]] as const) {
    await assertGradients((x) => resizeNearest(x as tf.Tensor4D, size), [
      randomTensor<tf.Rank.R4>([2, 7, 9, 3]),
    ]);
  }
});
