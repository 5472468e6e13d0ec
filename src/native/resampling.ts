/** Bilinear resizing of NHWC maps and its gradient. @module */
import { nhwcStrides } from "./convolution.ts";
import {
  ARGUMENT,
  type PrimitiveBuilder,
  type PrimitivePlan,
  PROPAGATION,
} from "./dnnl.ts";

const LINEAR = 0x2fff1;

/** Maps before and after, in pixels and channels. */
export interface ResizingSizes {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

/** Bilinear resizing between the centers of pixels, run on x, y. */
export function resizeBilinearPlan(sizes: ResizingSizes): PrimitivePlan {
  return {
    key: `resizeBilinear ${keyOf(sizes)}`,
    build(builder) {
      const { x, y, forward } = describeResizing(builder, sizes);
      return builder.primitive(forward, [[ARGUMENT.source, x], [ARGUMENT.result, y]]);
    },
  };
}

/** The gradient of bilinear resizing, run on dy, dx. */
export function resizeBilinearGradientPlan(sizes: ResizingSizes): PrimitivePlan {
  return {
    key: `resizeBilinearGradient ${keyOf(sizes)}`,
    build(builder) {
      const { symbols, describe, primitive, attributes } = builder;
      const { x, y, forward } = describeResizing(builder, sizes);
      const description = describe((at, engine) =>
        symbols.dnnl_resampling_backward_primitive_desc_create(
          ...[at, engine, LINEAR, 0n, x, y, forward, attributes],
        )
      );
      return primitive(description, [
        [ARGUMENT.resultGradient, y],
        [ARGUMENT.sourceGradient, x],
      ]);
    },
  };
}

function describeResizing(builder: PrimitiveBuilder, sizes: ResizingSizes) {
  const { symbols, describe, attributes } = builder;
  const { x, y } = mapsOf(builder, sizes);
  const forward = describe((at, engine) =>
    symbols.dnnl_resampling_forward_primitive_desc_create(
      ...[at, engine, PROPAGATION.training, LINEAR, 0n, x, y, attributes],
    )
  );
  return { x, y, forward };
}

function mapsOf({ layout }: PrimitiveBuilder, sizes: ResizingSizes) {
  const { batch, height, width, channels, outHeight, outWidth } = sizes;
  const map = (height: number, width: number) =>
    layout([batch, channels, height, width], nhwcStrides(height, width, channels));
  return { x: map(height, width), y: map(outHeight, outWidth) };
}

function keyOf(sizes: ResizingSizes): string {
  const { batch, height, width, channels, outHeight, outWidth } = sizes;
  return `${batch} ${height} ${width} ${channels} ${outHeight} ${outWidth}`;
}
