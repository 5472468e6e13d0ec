import * as tf from "../core/tf.ts";
import { type ConvOptions, convSizes } from "../kernels/conv_sizes.ts";
import { columnSum } from "../kernels/column_sum/mod.ts";
import * as implicit from "./conv2d_implicit.ts";
import * as stock from "./conv2d_stock.ts";

export type { ConvOptions } from "../kernels/conv_sizes.ts";

/** {@linkcode ConvOptions} and what is added. */
export interface BiasedConvOptions extends ConvOptions {
  /** One value per channel of the result. */
  readonly bias?: tf.AnyTensor | undefined;
}

/**
 * Two-dimensional convolution with all gradients, any stride, dilation and padding.
 *
 * y[b, r, s, o] = Σ over i, j, c of
 *   x[b, r·stride + i·dilation − padding, …, c] · w[i, j, c, o] (+ bias[o])
 *
 * @param x [B, H, W, C]
 * @param filter [KH, KW, C, O]
 * @returns [B, OH, OW, O]; the caller owns it.
 * @throws {RangeError} If the filter is too large.
 */
export function conv2d(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  { bias, ...options }: BiasedConvOptions = {},
): tf.Tensor4D {
  const [KH, KW] = filter.shape;
  const sizes = convSizes(x.shape, [KH, KW], options);
  if (tf.getBackend() !== "webgpu" && stock.canDo(sizes)) {
    const y = stock.conv2d(x, filter, sizes);
    return bias ? tf.add(y, bias) : y;
  }
  return tf.differentiable<tf.Tensor4D>(
    { x, filter, ...(bias && { bias }) },
    (save) => {
      save([x, filter]);
      return implicit.forward(x, filter, sizes, bias);
    },
    (dy, saved) => {
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
      const dy4 = dy as tf.Tensor4D;
      return {
        x: () => implicit.inputGradient(dy4, filter, sizes),
        filter: () => implicit.filterGradient(x, dy4, sizes),
        bias: () => columnSum(dy),
      };
    },
  );
}
