/** GELU and softmax, and their gradients. @module */
import {
  ARGUMENT,
  type PrimitiveBuilder,
  type PrimitivePlan,
  PROPAGATION,
} from "./dnnl.ts";

const GELU_ERF = 0x31;
const SOFTMAX = 0x30000;

/** GELU in its exact form, run on x, y. */
export function geluPlan(size: number): PrimitivePlan {
  return {
    key: `gelu ${size}`,
    build(builder) {
      const { x, forward } = describeGelu(builder, size);
      return builder.primitive(forward, [[ARGUMENT.source, x], [ARGUMENT.result, x]]);
    },
  };
}

/** The gradient of GELU, run on x, dy, dx. */
export function geluGradientPlan(size: number): PrimitivePlan {
  return {
    key: `geluGradient ${size}`,
    build(builder) {
      const { symbols, describe, primitive, attributes } = builder;
      const { x, forward } = describeGelu(builder, size);
      const description = describe((at, engine) =>
        symbols.dnnl_eltwise_backward_primitive_desc_create(
          ...[at, engine, GELU_ERF, x, x, x, 0, 0, forward, attributes],
        )
      );
      return primitive(description, [
        [ARGUMENT.source, x],
        [ARGUMENT.resultGradient, x],
        [ARGUMENT.sourceGradient, x],
      ]);
    },
  };
}

function describeGelu(
  { symbols, layout, describe, attributes }: PrimitiveBuilder,
  size: number,
) {
  const x = layout([size]);
  const forward = describe((at, engine) =>
    symbols.dnnl_eltwise_forward_primitive_desc_create(
      ...[at, engine, PROPAGATION.training, GELU_ERF, x, x, 0, 0, attributes],
    )
  );
  return { x, forward };
}

/** Softmax over the columns of each row, run on x, y. */
export function softmaxPlan(rows: number, columns: number): PrimitivePlan {
  return {
    key: `softmax ${rows} ${columns}`,
    build(builder) {
      const { x, forward } = describeSoftmax(builder, rows, columns);
      return builder.primitive(forward, [[ARGUMENT.source, x], [ARGUMENT.result, x]]);
    },
  };
}

/** The gradient of softmax, run on y, dy, dx. */
export function softmaxGradientPlan(rows: number, columns: number): PrimitivePlan {
  return {
    key: `softmaxGradient ${rows} ${columns}`,
    build(builder) {
      const { symbols, describe, primitive, attributes } = builder;
      const { x, forward } = describeSoftmax(builder, rows, columns);
      const description = describe((at, engine) =>
        symbols.dnnl_softmax_backward_primitive_desc_create(
          ...[at, engine, SOFTMAX, x, x, x, 1, forward, attributes],
        )
      );
      return primitive(description, [
        [ARGUMENT.result, x],
        [ARGUMENT.resultGradient, x],
        [ARGUMENT.sourceGradient, x],
      ]);
    },
  };
}

function describeSoftmax(
  { symbols, layout, describe, attributes }: PrimitiveBuilder,
  rows: number,
  columns: number,
) {
  const x = layout([rows, columns]);
  const forward = describe((at, engine) =>
    symbols.dnnl_softmax_forward_primitive_desc_create(
      ...[at, engine, PROPAGATION.training, SOFTMAX, x, x, 1, attributes],
    )
  );
  return { x, forward };
}
