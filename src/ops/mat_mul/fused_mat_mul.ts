/** Batched products of matrices with bias, GELU and residual, in register tiles. @module */
import * as tf from "../../core/tf.ts";
import { launchInChunks } from "../../gpu/chunks.ts";
import { kernelVariants } from "../../gpu/kernel.ts";
import { columnSum, rowsPerSplit } from "../sums/sums.ts";
import registerTile from "../tiled_gemm/register_tile.wgsl" with { type: "text" };
import { productArrays, productShader, tiling } from "../tiled_gemm/tiling.ts";
import shader from "./mat_mul.wgsl" with { type: "text" };
import { matMulByNative } from "./native.ts";
import { MAT_MUL_UNIFORMS, type MatMulFlags, matMulReference } from "./reference.ts";
import { matMulByWasm } from "./wasm.ts";

/** Which factors of a product are transposed. */
export interface Transpositions {
  /**
   * Whether a is [K, M] instead of [M, K].
   * @default {false}
   */
  readonly transposeA?: boolean;
  /**
   * Whether b is [N, K] instead of [K, N].
   * @default {false}
   */
  readonly transposeB?: boolean;
}

/** What follows a product, g(product + bias) + residual. */
export interface Epilogue {
  /** One value per column. */
  readonly bias?: tf.Tensor | undefined;
  /**
   * Whether g is GELU.
   * @default {false}
   */
  readonly gelu?: boolean;
  /** Shape of the product. */
  readonly residual?: tf.Tensor | undefined;
}

/** Transpositions and epilogue of a product. */
interface FusedMatMulOptions extends Epilogue, Transpositions {
  /**
   * Terms of a sum that are written apart, for matrices of one image with a transposed:
   * the result then has the number of splits as its first axis.
   * @default {K}
   */
  readonly rowsPerSplit?: number;
}

const kernelFor = kernelVariants("matMul", (flags: MatMulFlags) => ({
  uniforms: MAT_MUL_UNIFORMS,
  ...productArrays(flags.aligned),
  shader: productShader(flags.aligned) + registerTile + shader,
  native: (engine, arrays, sizes) => matMulByNative(engine, arrays, sizes, flags),
  wasm: (engine, arrays, sizes) =>
    !flags.hasGelu && !flags.hasResidual && matMulByWasm(engine, arrays, sizes, flags),
  reference: (arrays, sizes) => matMulReference(arrays, sizes, flags),
}));

/**
 * op(a) · op(b) for each image of a batch, then the epilogue. No gradient.
 *
 * @param a [..., M, K]
 * @param b The same leading axes, or none: then all images share it. [..., K, N]
 * @returns [..., M, N]
 * @throws {RangeError} If the shapes do not fit.
 */
export function fusedMatMul(
  a: tf.Tensor,
  b: tf.Tensor,
  options: FusedMatMulOptions = {},
): tf.Tensor {
  const { transposeA = false, transposeB = false, bias, residual } = options;
  const [first, second] = a.shape.slice(-2) as [number, number];
  const [rows, totalDepth] = transposeA ? [second, first] : [first, second];
  const [third, fourth] = b.shape.slice(-2) as [number, number];
  const [terms, columns] = transposeB ? [fourth, third] : [third, fourth];
  const images = a.size / (first * second);
  const shared = b.rank === 2 && images > 1;
  if (terms !== totalDepth || (!shared && b.size !== images * third * fourth)) {
    throw new RangeError(
      `Cannot multiply matrices of [${a.shape}] and [${b.shape}]` +
        `${transposeA ? ", the first transposed" : ""}` +
        `${transposeB ? ", the second transposed" : ""}: their shapes must fit`,
    );
  }
  const depth = options.rowsPerSplit ?? totalDepth;
  const splits = Math.ceil(totalDepth / depth);
  const leading = splits === 1 ? a.shape.slice(0, -2) : [splits];
  // Images that share the second factor, a plain matrix each, are one with more rows.
  const isSingleMatrix = splits === 1 && !transposeA && (shared || images === 1);
  const [batch, height] = isSingleMatrix ? [1, images * rows] : [images * splits, rows];
  const { large, lanesAcross, invocations } = tiling(height, columns);
  const kernel = kernelFor({
    transposeLeft: transposeA,
    transposeRight: transposeB,
    hasBias: bias !== undefined,
    hasGelu: options.gelu ?? false,
    hasResidual: residual !== undefined,
    large,
    aligned: columns % 4 === 0 && (transposeA ? rows : depth) % 4 === 0 &&
      (transposeB ? depth : columns) % 4 === 0,
  });
  const itemRows = isSingleMatrix ? 1 : height;
  return launchInChunks(kernel, {
    count: isSingleMatrix ? height : batch,
    inputs: {
      left: [a, itemRows * depth],
      right: shared || isSingleMatrix ? b : [b, depth * columns],
      bias: bias ?? b,
      residual: residual ? [residual, itemRows * columns] : b,
    },
    outputs: { product: [[...leading, rows, columns], itemRows * columns] },
    argumentsFor: ({ first, count }) => ({
      uniforms: {
        batch: isSingleMatrix ? 1 : count,
        rows: isSingleMatrix ? count : height,
        columns,
        depth,
        tail: first + count === batch || isSingleMatrix
          ? totalDepth - (splits - 1) * depth
          : depth,
        rightStep: shared ? 0 : depth * columns,
        across: lanesAcross,
      },
      invocations: isSingleMatrix
        ? tiling(count, columns, large).invocations
        : count * invocations,
    }),
  }).product;
}

// Shorter sums are not worth a split.
const MIN_ROWS_PER_SPLIT = 256;

/**
 * aᵀ · b where the sums are long and the result is small: rows are computed in splits,
 * which are then added in their order.
 *
 * @param a [R, I]
 * @param b [R, O]
 * @returns [I, O]
 */
export function splitKMatMul(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  const [R, I] = a.shape;
  const O = b.shape[1];
  const maxSplits = Math.max(1, Math.floor(R / MIN_ROWS_PER_SPLIT));
  // A multiple of 4 keeps every split but the last aligned; the last is the shortest.
  const rows = Math.ceil(rowsPerSplit(R, tiling(I, O).invocations, maxSplits) / 4) * 4;
  const splits = Math.ceil(R / rows);
  if (splits === 1) return fusedMatMul(a, b, { transposeA: true }) as tf.Tensor2D;
  return tf.tidy(() => {
    const partialSums = fusedMatMul(a, b, { transposeA: true, rowsPerSplit: rows });
    return tf.reshape(columnSum(tf.reshape(partialSums, [splits, I * O])), [I, O]);
  });
}
