/** Batched products of matrices with bias, GELU and residual. @module */
import type * as tf from "../../core/tf.ts";
import type { Cells, Kernel } from "../kernel.ts";
import { launchInRuns } from "../runs.ts";
import aligned from "../tile/aligned.wgsl" with { type: "text" };
import epilogue from "../tile/epilogue.wgsl" with { type: "text" };
import { tiling } from "../tile/shape.ts";
import sums from "../tile/sums.wgsl" with { type: "text" };
import unaligned from "../tile/unaligned.wgsl" with { type: "text" };
import shader from "./matmul.wgsl" with { type: "text" };
import { type MatMulForm, matMulReference, type MatMulSizes } from "./reference.ts";

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
export interface MatMulOptions extends Epilogue {
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
  /**
   * Terms of a sum that are written apart, for matrices of one image with a transposed:
   * the result then has the number of shares as its first axis.
   * @default {K}
   */
  readonly rowsPerShare?: number;
}

const UNIFORMS = {
  batch: "u32",
  rows: "u32",
  columns: "u32",
  depth: "u32",
  tail: "u32",
  rightStep: "u32",
  across: "u32",
} as const;

const kernels = new Map<string, Kernel<keyof MatMulSizes>>();

/**
 * op(a) · op(b) for each image of a batch, then the epilogue.
 *
 * @param a [..., M, K]
 * @param b The same leading axes, or none: then all images share it. [..., K, N]
 * @returns [..., M, N]
 * @throws {RangeError} If the shapes do not fit.
 */
export function matMul(
  a: tf.Tensor,
  b: tf.Tensor,
  options: MatMulOptions = {},
): tf.Tensor {
  const { transposeA = false, transposeB = false, bias, residual } = options;
  const [first, second] = a.shape.slice(-2) as [number, number];
  const [rows, whole] = transposeA ? [second, first] : [first, second];
  const [third, fourth] = b.shape.slice(-2) as [number, number];
  const [terms, columns] = transposeB ? [fourth, third] : [third, fourth];
  const images = a.size / (first * second);
  const shared = b.rank === 2 && images > 1;
  if (terms !== whole || (!shared && b.size !== images * third * fourth)) {
    throw new RangeError(
      `Cannot multiply matrices of [${a.shape}] and [${b.shape}]` +
        `${transposeA ? ", the first transposed" : ""}` +
        `${transposeB ? ", the second transposed" : ""}: their shapes must fit`,
    );
  }
  const depth = options.rowsPerShare ?? whole;
  const shares = Math.ceil(whole / depth);
  const leading = shares === 1 ? a.shape.slice(0, -2) : [shares];
  // Images that share the second factor, a plain matrix each, are one with more rows.
  const isOne = shares === 1 && !transposeA && (shared || images === 1);
  const [batch, height] = isOne ? [1, images * rows] : [images * shares, rows];
  const { large, across, invocations } = tiling(height, columns);
  const form = {
    transposeLeft: transposeA,
    transposeRight: transposeB,
    biased: bias !== undefined,
    activated: options.gelu ?? false,
    residual: residual !== undefined,
    large,
    aligned: columns % 4 === 0 && (transposeA ? rows : depth) % 4 === 0 &&
      (transposeB ? depth : columns) % 4 === 0,
  };
  const share = isOne ? 1 : height;
  const others: readonly (readonly [tf.Tensor, number?])[] = [
    shared || isOne ? [b] : [b, depth * columns],
    [bias ?? b],
    residual ? [residual, share * columns] : [b],
  ];
  return launchInRuns(kernelOf(form), {
    count: isOne ? height : batch,
    inputs: [[a, share * depth], ...others],
    output: [[...leading, rows, columns], share * columns],
    call: ({ first, count }) => ({
      uniforms: {
        batch: isOne ? 1 : count,
        rows: isOne ? count : height,
        columns,
        depth,
        tail: first + count === batch || isOne ? whole - (shares - 1) * depth : depth,
        rightStep: shared ? 0 : depth * columns,
        across,
      },
      invocations: isOne
        ? tiling(count, columns, large).invocations
        : count * invocations,
    }),
  });
}

/** Everything that a pipeline is made for. */
type Variant = MatMulForm & { readonly large: boolean; readonly aligned: boolean };

function kernelOf(form: Variant): Kernel<keyof MatMulSizes> {
  const on = Object.entries(form).filter(([, is]) => is).map(([name]) => name);
  const name = ["matMul", ...on].join(" ");
  const known = kernels.get(name);
  if (known !== undefined) return known;
  const made: Kernel<keyof MatMulSizes> = {
    name,
    shader: (form.aligned ? aligned : unaligned) + epilogue + sums + shader,
    constants: {
      large: Number(form.large),
      transpose_left: Number(form.transposeLeft),
      transpose_right: Number(form.transposeRight),
      biased: Number(form.biased),
      activated: Number(form.activated),
      residual_added: Number(form.residual),
    },
    uniforms: UNIFORMS,
    twin: (sizes, inputs, outputs) => {
      const [product] = outputs as [Cells];
      matMulReference(inputs as [Cells, Cells, Cells, Cells], product, sizes, form);
    },
  };
  kernels.set(name, made);
  return made;
}
