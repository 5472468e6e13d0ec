/** Products of matrices by oneDNN. @module */
import type { Arrays, TypedArray, UniformsOf } from "../../gpu/kernel.ts";
import type { NativeEngine } from "../../native/engine.ts";
import { productPlan } from "../../native/product.ts";
import type { MAT_MUL_UNIFORMS, MatMulFlags } from "./reference.ts";

// Terms that one float32 sum may have; longer ones lose digits.
const MAX_SUM_TERMS = 256;

type ProductArrays = Arrays<"left" | "right" | "bias" | "product">;

/** product = op(left) · op(right) + bias, as `matMulReference` without GELU and residual. */
export function matMulByNative(
  engine: NativeEngine,
  arrays: ProductArrays,
  sizes: UniformsOf<typeof MAT_MUL_UNIFORMS>,
  flags: MatMulFlags,
): boolean {
  if (flags.hasGelu || flags.hasResidual) return false;
  const { batch, rows, columns, depth, tail, rightStep } = sizes;
  const isShared = batch > 1 && rightStep === 0;
  if (batch > 1 && !isShared && rightStep !== depth * columns) return false;
  const isSumOverRows = batch === 1 && flags.transposeLeft && !flags.transposeRight;
  if (isSumOverRows && !flags.hasBias && tail > MAX_SUM_TERMS) {
    return sumInBlocks(engine, arrays, rows, columns, tail);
  }
  // The last matrix of a batch may have fewer terms.
  const parts = tail === depth
    ? [{ first: 0, count: batch, terms: depth }]
    : [{ first: 0, count: batch - 1, terms: depth }, {
      first: batch - 1,
      count: 1,
      terms: tail,
    }];
  // Neighboring terms are skipped only where they are rows of both factors.
  if (tail !== depth && (!flags.transposeLeft || flags.transposeRight)) return false;
  return parts.filter(({ count }) => count > 0).every(({ first, count, terms }) =>
    engine.run(
      productPlan({
        ...{ batch: count, rows, columns, depth: terms },
        transposeLeft: flags.transposeLeft,
        transposeRight: flags.transposeRight,
        sharedRight: isShared && count > 1,
        hasBias: flags.hasBias,
      }),
      arrays.left.subarray(first * rows * depth),
      arrays.right.subarray(first * rightStep),
      ...(flags.hasBias ? [arrays.bias] : []),
      arrays.product.subarray(first * rows * columns),
    )
  );
}

const TRANSPOSED = {
  transposeLeft: true,
  transposeRight: false,
  sharedRight: false,
  hasBias: false,
};

// leftᵀ · right, where the sums are long: blocks of rows apart, and then their sum.
function sumInBlocks(
  engine: NativeEngine,
  { left, right, product }: ProductArrays,
  rows: number,
  columns: number,
  depth: number,
): boolean {
  const size = rows * columns;
  const full = Math.floor(depth / MAX_SUM_TERMS);
  const rest = depth - full * MAX_SUM_TERMS;
  const blocks = full + Math.sign(rest);
  const partial = partialSums(blocks * size);
  const multiply = (batch: number, terms: number, first: number, into: TypedArray) =>
    engine.run(
      productPlan({ ...TRANSPOSED, batch, rows, columns, depth: terms }),
      left.subarray(first * rows),
      right.subarray(first * columns),
      into,
    );
  if (!multiply(full, MAX_SUM_TERMS, 0, partial)) return false;
  if (rest > 0) {
    const into = partial.subarray(full * size);
    if (!multiply(1, rest, full * MAX_SUM_TERMS, into)) return false;
  }
  const sum = { ...TRANSPOSED, batch: 1, rows: 1, columns: size, depth: blocks };
  return engine.run(productPlan(sum), onesOf(blocks), partial, product);
}

let partialSumsMemory = new Float32Array(0);

// Kept: pages that are new cost more than what is done with them.
function partialSums(length: number): Float32Array {
  if (length > partialSumsMemory.length) partialSumsMemory = new Float32Array(length);
  return partialSumsMemory;
}

let ones = new Float32Array(0);

function onesOf(length: number): Float32Array {
  if (length > ones.length) ones = new Float32Array(length).fill(1);
  return ones;
}
