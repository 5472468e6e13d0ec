import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import { type BicubicOptions, resizeBicubic } from "../../src/ops/bicubic/bicubic.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";

type Side = readonly [number, number];

// Larger, smaller, both, the same side along one axis, and a single pixel.
const SIZES: readonly (readonly [Side, Side])[] = [
  [[4, 4], [7, 9]],
  [[9, 8], [3, 2]],
  [[5, 6], [12, 3]],
  [[5, 5], [5, 8]],
  [[1, 2], [3, 3]],
];
const OPTIONS: Readonly<Record<string, BicubicOptions>> = {
  "": {},
  ", antialiased": { antialias: true },
  ", with an offset": { offset: 0.1 },
};

for (const [suffix, options] of Object.entries(OPTIONS)) {
  onEachBackend(`resizeBicubic() equals plain loops${suffix}`, async () => {
    for (const [[H, W], size] of SIZES) {
      const x = randomTensor<tf.Rank.R3>([H, W, 2], "x");
      const expected = resized(await x.array(), size, options);
      const found = resizeBicubic(x, size, options);
      assert.deepEqual(found.shape, [...size, 2]);
      await assertClose(found, expected, 1e-5, `${H}×${W} to ${size}`);
    }
  });

  onEachBackend(
    `resizeBicubic() matches finite-difference gradients${suffix}`,
    async () => {
      for (const [[H, W], size] of SIZES) {
        const x = randomTensor<tf.Rank.R3>([H, W, 2], "x");
        await assertGradients((x) => resizeBicubic(x as tf.Tensor3D, size, options), [x]);
      }
    },
  );

  onEachBackend(`resizeBicubic() to the same size changes nothing${suffix}`, async () => {
    const x = randomTensor<tf.Rank.R3>([5, 6, 3], "x");
    await assertClose(resizeBicubic(x, [5, 6], options), x, 0);
  });
}

// PyTorch 2.13: interpolate(arange(4)², size or scale_factor=(n + 0.1) / 4, "bicubic").
const RECORDED: readonly (readonly [BicubicOptions, readonly number[]])[] = [
  [{}, [-0.09921647, 0.15625, 0.8042092, 2.125, 4.424654, 7.480776, 9.496082]],
  [{ offset: 0.1 }, [
    -0.100047,
    0.1520978,
    0.7554391,
    2.062743,
    4.210327,
    7.269195,
    9.426568,
  ]],
  [{ antialias: true }, [0.07551487, 2.359195, 7.935927]],
];

onEachBackend("resizeBicubic() equals PyTorch's interpolate()", async () => {
  for (const [options, expected] of RECORDED) {
    const x = tf.tensor3d([0, 1, 4, 9], [1, 4, 1]);
    const found = resizeBicubic(x, [1, expected.length], options);
    await assertClose(found, expected, 2e-6);
  }
});

onEachBackend("resizeBicubic() leaks no tensors", () => {
  const x = randomTensor<tf.Rank.R3>([4, 4, 2], "x");
  const before = tf.memory().numTensors;
  resizeBicubic(x, [3, 5]).dispose();
  assert.equal(tf.memory().numTensors, before);
});

/** Each target is the weighted mean of the sources around it, along one axis after the other. */
function resized(
  x: readonly (readonly (readonly number[])[])[],
  [height, width]: Side,
  { offset = 0, antialias = false }: BicubicOptions,
): number[] {
  const [H, W, C] = [x.length, x[0]?.length ?? 0, x[0]?.[0]?.length ?? 0];
  const isSame = H === height && W === width;
  const a = antialias ? -0.5 : -0.75;
  const kernel = (distance: number) => {
    const d = Math.abs(distance);
    if (d < 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
    return d < 2 ? a * (d ** 3 - 5 * d ** 2 + 8 * d - 4) : 0;
  };
  const mean = (line: readonly number[], target: number, outputs: number) => {
    const inputs = line.length;
    const ratio = inputs / (outputs + (isSame ? 0 : offset));
    const center = (target + 0.5) * ratio - 0.5;
    const support = antialias ? Math.max(ratio, 1) : 1;
    let [sum, total] = [0, 0];
    for (let i = Math.floor(center - 2 * support); i <= center + 2 * support; i++) {
      if (antialias && (i < 0 || i >= inputs)) continue;
      const weight = kernel((i - center) / support);
      sum += weight * (line[Math.min(Math.max(i, 0), inputs - 1)] ?? NaN);
      total += weight;
    }
    return sum / total;
  };
  const at = (row: number, col: number, c: number) => x[row]?.[col]?.[c] ?? NaN;
  const range = (length: number) => Array.from({ length }, (_, i) => i);
  return range(height).flatMap((y) =>
    range(width).flatMap((column) =>
      range(C).map((c) =>
        mean(
          range(W).map((col) => mean(range(H).map((row) => at(row, col, c)), y, height)),
          column,
          width,
        )
      )
    )
  );
}
