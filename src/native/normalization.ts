/** Layer norm with its gradients, and the normalization of columns. @module */
import {
  ARGUMENT,
  type PrimitiveBuilder,
  type PrimitivePlan,
  PROPAGATION,
  type View,
} from "./dnnl.ts";

const USE_GIVEN_MOMENTS = 1;
const SCALE_AND_SHIFT = 2 | 4;

/** The matrix that is normalized. */
export interface NormalizationSizes {
  readonly rows: number;
  readonly columns: number;
  /** Added to the variance. */
  readonly epsilon: number;
}

/** Layer norm, run on x, scale, shift, y, mean, variance; the moments of each row. */
export function layerNormPlan(sizes: NormalizationSizes): PrimitivePlan {
  return {
    key: `layerNorm ${keyOf(sizes)}`,
    build(builder) {
      const { x, vector, moments, forward } = describeLayerNorm(builder, sizes);
      return builder.primitive(forward, [
        [ARGUMENT.source, x],
        [ARGUMENT.scale, vector],
        [ARGUMENT.shift, vector],
        [ARGUMENT.result, x],
        [ARGUMENT.mean, moments],
        [ARGUMENT.variance, moments],
      ]);
    },
  };
}

/** Gradients of layer norm, run on x, mean, variance, dy, scale, dx, dscale, dshift. */
export function layerNormGradientPlan(sizes: NormalizationSizes): PrimitivePlan {
  return {
    key: `layerNormGradient ${keyOf(sizes)}`,
    build(builder) {
      const { symbols, describe, primitive, attributes } = builder;
      const { x, vector, moments, forward } = describeLayerNorm(builder, sizes);
      const description = describe((at, engine) =>
        symbols.dnnl_layer_normalization_backward_primitive_desc_create(
          ...[at, engine, PROPAGATION.backward, x, x, x, moments],
          ...[sizes.epsilon, SCALE_AND_SHIFT, forward, attributes],
        )
      );
      const run = primitive(description, [
        [ARGUMENT.source, x],
        [ARGUMENT.mean, moments],
        [ARGUMENT.variance, moments],
        [ARGUMENT.resultGradient, x],
        [ARGUMENT.scale, vector],
        [ARGUMENT.shift, vector],
        [ARGUMENT.sourceGradient, x],
        [ARGUMENT.scaleGradient, vector],
        [ARGUMENT.shiftGradient, vector],
      ]);
      // It wants a shift, which no gradient depends on.
      return (x, mean, variance, dy, scale, ...gradients) =>
        run(...[x, mean, variance, dy, scale, scale, ...gradients] as View[]);
    },
  };
}

function describeLayerNorm(
  { symbols, layout, describe, attributes }: PrimitiveBuilder,
  { rows, columns, epsilon }: NormalizationSizes,
) {
  const x = layout([rows, columns]);
  const moments = layout([rows]);
  const forward = describe((at, engine) =>
    symbols.dnnl_layer_normalization_forward_primitive_desc_create(
      ...[at, engine, PROPAGATION.training, x, x, moments],
      ...[epsilon, SCALE_AND_SHIFT, attributes],
    )
  );
  return { x, vector: layout([columns]), moments, forward };
}

/**
 * Normalization of columns by given moments, run on x, mean, variance, scale, shift, y.
 */
export function normalizePlan(sizes: NormalizationSizes): PrimitivePlan {
  return {
    key: `normalize ${keyOf(sizes)}`,
    build(builder) {
      const { symbols, layout, describe, primitive, attributes } = builder;
      const x = columnsLayout(builder, sizes);
      const vector = layout([sizes.columns]);
      const description = describe((at, engine) =>
        symbols.dnnl_batch_normalization_forward_primitive_desc_create(
          ...[at, engine, PROPAGATION.inference, x, x],
          ...[sizes.epsilon, SCALE_AND_SHIFT | USE_GIVEN_MOMENTS, attributes],
        )
      );
      return primitive(description, [
        [ARGUMENT.source, x],
        [ARGUMENT.mean, vector],
        [ARGUMENT.variance, vector],
        [ARGUMENT.scale, vector],
        [ARGUMENT.shift, vector],
        [ARGUMENT.result, x],
      ]);
    },
  };
}

// What is fast has four axes: one image, a pixel per row.
function columnsLayout(
  { layout }: PrimitiveBuilder,
  { rows, columns }: NormalizationSizes,
): bigint {
  return layout([1, columns, rows, 1], [rows * columns, 1, columns, columns]);
}

function keyOf({ rows, columns, epsilon }: NormalizationSizes): string {
  return `${rows} ${columns} ${epsilon}`;
}
