// The blocks of long sums, and the parts of batches whose last matrix is shorter.
import assert from "node:assert/strict";
import { createRandom } from "../../src/core/random.ts";
import { nativeEngine } from "../../src/native/engine.ts";
import { matMulByNative } from "../../src/ops/mat_mul/native.ts";
import { type MatMulFlags, matMulReference } from "../../src/ops/mat_mul/reference.ts";
import { assertClose, onNative } from "../support/mod.ts";

const FLAGS: MatMulFlags = {
  transposeLeft: true,
  transposeRight: false,
  hasBias: false,
  hasGelu: false,
  hasResidual: false,
  large: false,
  aligned: false,
};

function random(length: number, stream: string): Float32Array {
  const generator = createRandom(11, stream);
  return Float32Array.from({ length }, () => generator.normal());
}

interface Sizes {
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly tail: number;
  readonly rightStep: number;
}

async function assertEqualsReference(
  sizes: Sizes,
  flags: MatMulFlags,
  maxPartialSums?: number,
): Promise<void> {
  const { batch, rows, columns, depth, tail, rightStep } = sizes;
  const terms = (batch - 1) * depth + tail;
  const arrays = {
    left: random(rows * terms, "left"),
    right: random(rightStep === 0 ? columns * depth : columns * terms, "right"),
    bias: random(columns, "bias"),
    residual: new Float32Array(0),
  };
  const compute = (
    run: (
      all: typeof arrays & { readonly product: Float32Array },
      uniforms: Sizes & { readonly across: number },
    ) => boolean | void,
  ) => {
    const product = new Float32Array(batch * rows * columns).fill(NaN);
    assert.notEqual(run({ ...arrays, product }, { ...sizes, across: 1 }), false);
    return product;
  };
  const engine = nativeEngine();
  assert.ok(engine);
  const found = compute((all, uniforms) =>
    matMulByNative(engine, all, uniforms, flags, maxPartialSums)
  );
  const expected = compute((all, uniforms) => matMulReference(all, uniforms, flags));
  await assertClose(found, expected, 1e-6, JSON.stringify(sizes));
}

onNative("matMulByNative() adds blocks of long sums", async () => {
  for (const depth of [257, 512, 600, 2048, 2049]) {
    const sizes = { batch: 1, rows: 7, columns: 5, depth, tail: depth, rightStep: 0 };
    await assertEqualsReference(sizes, FLAGS);
  }
});

onNative(
  "matMulByNative() adds blocks in turns where they take too much memory",
  async () => {
    for (const depth of [256 * 8 + 1, 256 * 9, 256 * 10 + 100]) {
      const sizes = { batch: 1, rows: 7, columns: 5, depth, tail: depth, rightStep: 0 };
      for (const products of [1, 2, 3, 8, 9]) {
        await assertEqualsReference(sizes, FLAGS, products * 35);
      }
    }
  },
);

onNative("matMulByNative() computes a last matrix with fewer terms", async () => {
  const sizes = { batch: 4, rows: 9, columns: 6, depth: 20, tail: 7, rightStep: 120 };
  await assertEqualsReference(sizes, FLAGS);
  await assertEqualsReference({ ...sizes, batch: 2 }, FLAGS);
});

onNative("matMulByNative() computes batches that share the second factor", async () => {
  const sizes = { batch: 3, rows: 4, columns: 6, depth: 5, tail: 5, rightStep: 0 };
  for (const transposeLeft of [false, true]) {
    for (const transposeRight of [false, true]) {
      for (const hasBias of [false, true]) {
        const flags = { ...FLAGS, transposeLeft, transposeRight, hasBias };
        await assertEqualsReference(sizes, flags);
      }
    }
  }
});

onNative("matMulByNative() declines GELU and a residual", () => {
  const engine = nativeEngine();
  assert.ok(engine);
  const nothing = new Float32Array(0);
  const arrays = { left: nothing, right: nothing, bias: nothing, product: nothing };
  const sizes = { batch: 1, rows: 1, columns: 1, depth: 1, tail: 1, rightStep: 1 };
  for (const flag of [{ hasGelu: true }, { hasResidual: true }]) {
    const flags = { ...FLAGS, ...flag };
    assert.equal(matMulByNative(engine, arrays, { ...sizes, across: 1 }, flags), false);
  }
});
