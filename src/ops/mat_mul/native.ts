/** Products of matrices by oneDNN. @module */
import type { Arrays, UniformsOf } from "../../gpu/kernel.ts";
import type { NativeEngine } from "../../native/engine.ts";
import { productPlan } from "../../native/product.ts";
import type { MAT_MUL_UNIFORMS, MatMulFlags } from "./reference.ts";

// Terms that one float32 sum may have; longer ones lose digits.
const MAX_SUM_TERMS = 256;

// Of 4 bytes each.
const MAX_PARTIAL_SUMS = 1 << 23;

type ProductArrays = Arrays<"left" | "right" | "bias" | "product">;

/**
 * product = op(left) · op(right) + bias, as `matMulReference` without GELU and residual.
 *
 * @param maxPartialSums Elements of products of blocks that may be kept at a time.
 */
export function matMulByNative(
  engine: NativeEngine,
  arrays: ProductArrays,
  sizes: UniformsOf<typeof MAT_MUL_UNIFORMS>,
  flags: MatMulFlags,
  maxPartialSums = MAX_PARTIAL_SUMS,
): boolean {
  if (flags.hasGelu || flags.hasResidual) return false;
  const { batch, rows, columns, depth, tail, rightStep } = sizes;
  const isShared = batch > 1 && rightStep === 0;
  if (batch > 1 && !isShared && rightStep !== depth * columns) return false;
  const isSumOverRows = batch === 1 && flags.transposeLeft && !flags.transposeRight;
  if (isSumOverRows && !flags.hasBias && tail > MAX_SUM_TERMS) {
    return sumInBlocks(engine, arrays, { rows, columns, depth: tail, maxPartialSums });
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

// leftᵀ · right, where the sums are long: blocks of rows apart, and then their sum. As many
// blocks at a time as the memory for their products has room for, besides the sum so far.
function sumInBlocks(
  engine: NativeEngine,
  { left, right, product }: ProductArrays,
  { rows, columns, depth, maxPartialSums }: Readonly<
    Record<"rows" | "columns" | "depth" | "maxPartialSums", number>
  >,
): boolean {
  const size = rows * columns;
  const blocks = Math.ceil(depth / MAX_SUM_TERMS);
  const room = Math.max(2, Math.min(blocks + 1, Math.floor(maxPartialSums / size)));
  const partial = partialSums(room * size);
  const multiply = (first: number, batch: number, terms: number, slot: number) =>
    batch === 0 || engine.run(
      productPlan({ ...TRANSPOSED, batch, rows, columns, depth: terms }),
      left.subarray(first * MAX_SUM_TERMS * rows),
      right.subarray(first * MAX_SUM_TERMS * columns),
      partial.subarray(slot * size),
    );
  let first = 0;
  while (first < blocks) {
    const kept = first === 0 ? 0 : 1;
    if (kept === 1) partial.set(product);
    const count = Math.min(room - kept, blocks - first);
    // The last block may be shorter.
    const rest = first + count === blocks ? depth % MAX_SUM_TERMS : 0;
    const full = count - Math.sign(rest);
    if (!multiply(first, full, MAX_SUM_TERMS, kept)) return false;
    if (rest > 0 && !multiply(first + full, 1, rest, kept + full)) return false;
    const terms = kept + count;
    const sum = { ...TRANSPOSED, batch: 1, rows: 1, columns: size, depth: terms };
    if (!engine.run(productPlan(sum), onesOf(terms), partial, product)) return false;
    first += count;
  }
  return true;
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
