/** Bilinear resizing of NHWC maps. @module */
import { nhwcStrides } from "./convolution.ts";
import { ARGUMENT, type PrimitivePlan, PROPAGATION } from "./dnnl.ts";

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
  const { batch, height, width, channels: C, outHeight, outWidth } = sizes;
  return {
    key: `resizeBilinear ${batch} ${height} ${width} ${C} ${outHeight} ${outWidth}`,
    build({ symbols, attributes, layout, describe, primitive }) {
      const map = (height: number, width: number) =>
        layout([batch, C, height, width], nhwcStrides(height, width, C));
      const [x, y] = [map(height, width), map(outHeight, outWidth)];
      const description = describe((at, engine) =>
        symbols.dnnl_resampling_forward_primitive_desc_create(
          ...[at, engine, PROPAGATION.inference, LINEAR, 0n, x, y, attributes],
        )
      );
      return primitive(description, [[ARGUMENT.source, x], [ARGUMENT.result, y]]);
    },
  };
}
