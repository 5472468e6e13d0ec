/** Products of matrices. @module */
import { ARGUMENT, type PrimitivePlan } from "./dnnl.ts";

/** Sizes and layout of a batch of products. */
export interface ProductSizes {
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  /** Terms of a sum. */
  readonly depth: number;
  /** Whether the first factor is [depth, rows]. */
  readonly transposeLeft: boolean;
  /** Whether the second factor is [columns, depth]. */
  readonly transposeRight: boolean;
  /** Whether the whole batch has one second factor. */
  readonly sharedRight: boolean;
  /** Whether a vector is added to each row. */
  readonly hasBias: boolean;
}

/** product = op(left) · op(right) (+ bias), run on left, right, (bias,) product. */
export function productPlan(sizes: ProductSizes): PrimitivePlan {
  const { batch, rows, columns, depth, transposeLeft, transposeRight } = sizes;
  const { sharedRight, hasBias } = sizes;
  return {
    key: `product ${batch} ${rows} ${columns} ${depth} ${+transposeLeft}` +
      `${+transposeRight}${+sharedRight}${+hasBias}`,
    build({ symbols, attributes, layout, describe, primitive }) {
      const left = layout(
        [batch, rows, depth],
        [rows * depth, ...(transposeLeft ? [1, rows] : [depth, 1])],
      );
      const right = layout(
        [sharedRight ? 1 : batch, depth, columns],
        [depth * columns, ...(transposeRight ? [1, depth] : [columns, 1])],
      );
      const product = layout([batch, rows, columns]);
      const bias = hasBias ? layout([1, 1, columns]) : 0n;
      const description = describe((at, engine) =>
        symbols.dnnl_matmul_primitive_desc_create(
          ...[at, engine, left, right, bias, product, attributes],
        )
      );
      return primitive(description, [
        [ARGUMENT.source, left],
        [ARGUMENT.weights, right],
        ...(hasBias ? [[ARGUMENT.bias, bias] as const] : []),
        [ARGUMENT.result, product],
      ]);
    },
  };
}
