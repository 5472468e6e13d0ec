import assert from "node:assert/strict";
import {
  concatRows,
  concatToUnfoldOrder,
  reverseFusedLevels,
  splitRows,
} from "../../../src/weights/names/tensor_transforms.ts";
import { distinct, numbersOf, tensor } from "./own_weights.ts";

/** W·x + b */
function linear(weight: number[], bias: number[], x: number[]): number[] {
  return bias.map((b, o) =>
    x.reduce((sum, value, i) => sum + value * (weight[o * x.length + i] ?? NaN), b)
  );
}

Deno.test("concatRows() makes one layer that computes what the layers compute apart", () => {
  const x = [0.5, -1, 2];
  const weights = [1, 2, 3].map(() => distinct(3, 3));
  const biases = [1, 2, 3].map(() => distinct(3));
  const apart = weights.map((weight, i) => {
    const bias = biases[i];
    assert(bias !== undefined);
    return linear(numbersOf(weight), numbersOf(bias), x);
  });
  const together = linear(
    numbersOf(concatRows(weights)),
    numbersOf(concatRows(biases)),
    x,
  );
  assert.deepEqual(together, apart.flat());
});

Deno.test("splitRows() undoes concatRows()", () => {
  const parts = [distinct(2, 3, 1, 1), distinct(4, 3, 1, 1)];
  assert.deepEqual(splitRows(concatRows(parts), [1, 2]), parts);
});

Deno.test("concatRows() refuses rows of different widths or elements", () => {
  for (
    const other of [distinct(2, 4), distinct(2), { ...distinct(2, 3), dtype: "F16" }]
  ) {
    assert.throws(
      () => concatRows([distinct(2, 3), other as ReturnType<typeof distinct>]),
      {
        name: "RangeError",
        message: /only the first axis may differ$/,
      },
    );
  }
});

const H = 4;
const W = 6;
const C = 3;
const OUT = 2;

const pixel = (map: number[], y: number, x: number) =>
  map.slice((y * W + x) * C, (y * W + x + 1) * C);

/** Every other pixel, concatenated as in `PatchMerging` of Swin's authors. [H/2·W/2][4C] */
function concatenated(map: number[]): number[][] {
  const result: number[][] = [];
  for (let y = 0; y < H; y += 2) {
    for (let x = 0; x < W; x += 2) {
      const x0 = pixel(map, y, x);
      const x1 = pixel(map, y + 1, x);
      const x2 = pixel(map, y, x + 1);
      const x3 = pixel(map, y + 1, x + 1);
      result.push([...x0, ...x1, ...x2, ...x3]);
    }
  }
  return result;
}

/** `nn.Unfold(2, stride=2)`: channel by channel, rows before columns. [H/2·W/2][4C] */
function unfolded(map: number[]): number[][] {
  const result: number[][] = [];
  for (let y = 0; y < H; y += 2) {
    for (let x = 0; x < W; x += 2) {
      const values: number[] = [];
      for (let c = 0; c < C; c++) {
        for (const dy of [0, 1]) {
          for (const dx of [0, 1]) values.push(pixel(map, y + dy, x + dx)[c] ?? NaN);
        }
      }
      result.push(values);
    }
  }
  return result;
}

/** timm: `reshape(H/2, 2, W/2, 2, C).permute(0, 2, 3, 1, 4).flatten(2)`. */
function timmFlattened(map: number[]): number[][] {
  const result: number[][] = [];
  for (let y = 0; y < H / 2; y++) {
    for (let x = 0; x < W / 2; x++) {
      const values: number[] = [];
      for (let dx = 0; dx < 2; dx++) {
        for (let dy = 0; dy < 2; dy++) values.push(...pixel(map, 2 * y + dy, 2 * x + dx));
      }
      result.push(values);
    }
  }
  return result;
}

interface Merging {
  readonly scale: number[];
  readonly shift: number[];
  readonly reduction: number[];
}

/** Layer norm and reduction of each patch; mean and deviation do not see the order. */
function reduce(patches: number[][], { scale, shift, reduction }: Merging): number[] {
  return patches.flatMap((values) => {
    const mean = values.reduce((sum, cell) => sum + cell, 0) / values.length;
    const normed = values.map((cell, i) =>
      (cell - mean) * (scale[i] ?? NaN) + (shift[i] ?? NaN)
    );
    return Array.from(
      { length: OUT },
      (_, o) =>
        normed.reduce(
          (sum, cell, i) => sum + cell * (reduction[o * values.length + i] ?? NaN),
          0,
        ),
    );
  });
}

function assertNear(actual: number[], expected: number[]): void {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of actual.entries()) {
    const wanted = expected[i] ?? NaN;
    // Sums of 12 products in another order.
    assert(Math.abs(value - wanted) <= 1e-9 * Math.abs(wanted), `${value} ${wanted}`);
  }
}

Deno.test("concatToUnfoldOrder() makes unfolded patches answer what Swin's merged ones do", () => {
  const map = Array.from({ length: H * W * C }, (_, i) => Math.sin(i) + 2);
  const theirs = {
    scale: distinct(4 * C),
    shift: distinct(4 * C),
    reduction: distinct(OUT, 4 * C),
  };
  const merging = (turn: (value: typeof theirs.scale) => typeof theirs.scale) => ({
    scale: numbersOf(turn(theirs.scale)),
    shift: numbersOf(turn(theirs.shift)),
    reduction: numbersOf(turn(theirs.reduction)),
  });
  const expected = reduce(concatenated(map), merging((value) => value));
  assertNear(reduce(unfolded(map), merging(concatToUnfoldOrder)), expected);
  assertNear(reduce(timmFlattened(map), merging((value) => value)), expected);
});

Deno.test("concatToUnfoldOrder() interleaves the four quarters as 0, 2, 1, 3", () => {
  assert.deepEqual(
    numbersOf(concatToUnfoldOrder(tensor([8], [0, 1, 2, 3, 4, 5, 6, 7]))),
    [0, 4, 2, 6, 1, 5, 3, 7],
  );
});

Deno.test("concatToUnfoldOrder() refuses patches that are not 2×2", () => {
  assert.throws(() => concatToUnfoldOrder(distinct(2, 6)), {
    name: "RangeError",
    message: /shape \[2, 6\]: its last axis must be a multiple of 4$/,
  });
});

Deno.test("reverseFusedLevels() makes levels from fine to coarse answer the same", () => {
  const levels = [[1, 2], [3, 5], [7, 11], [13, 17]];
  const weight = tensor([2, 8, 1, 1], Array.from({ length: 16 }, (_, i) => i * i));
  // Of a 3×3 kernel, every input has nine numbers, which stay together.
  const wide = tensor([1, 4, 3, 3], Array.from({ length: 36 }, (_, i) => i));
  assert.deepEqual(
    numbersOf(reverseFusedLevels(wide)),
    [27, 18, 9, 0].flatMap((first) => Array.from({ length: 9 }, (_, i) => first + i)),
  );
  const fuse = (value: typeof weight, inputs: number[]) =>
    [0, 1].map((o) =>
      inputs.reduce(
        (sum, cell, i) => sum + cell * (numbersOf(value)[o * 8 + i] ?? NaN),
        0,
      )
    );
  assert.deepEqual(
    fuse(reverseFusedLevels(weight), levels.flat()),
    fuse(weight, levels.toReversed().flat()),
  );
  assert.throws(() => reverseFusedLevels(distinct(3, 8, 1, 1)), {
    name: "RangeError",
    message: /must be \[C, levels·C, height, width\]$/,
  });
});
