import * as tf from "../../core/tf.ts";
import { fusedMatMul } from "../mat_mul/fused_mat_mul.ts";
import { sumOfOuterProducts } from "../outer_products.ts";
import { columnSum } from "../sums/sums.ts";
import { type ConvOptions, convSizes, isPointwise } from "./conv_sizes.ts";
import {
  conv2dFilterGradient,
  conv2dInputGradient,
  fusedConv2d,
} from "./implicit_gemm.ts";

export type { ConvOptions } from "./conv_sizes.ts";

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
  const implementation = isPointwise(sizes) ? POINTWISE : IMPLICIT_GEMM;
  return tf.differentiable<tf.Tensor4D>(
    { x, filter, ...(bias && { bias }) },
    (save) => {
      save([x, filter]);
      return implementation.forward(x, filter, sizes, { bias });
    },
    (dy, saved) => {
      const [x, filter] = saved as [tf.Tensor, tf.Tensor];
      return {
        x: () => implementation.inputGradient(dy, filter, sizes),
        filter: () => implementation.filterGradient(x, dy, sizes),
        bias: () => columnSum(dy),
      };
    },
  );
}

const IMPLICIT_GEMM = {
  forward: fusedConv2d,
  inputGradient: conv2dInputGradient,
  filterGradient: conv2dFilterGradient,
};

/** One tap that reads every pixel is a matrix on the channels. */
const POINTWISE: typeof IMPLICIT_GEMM = {
  forward(x, filter, { batch, height, width }, options) {
    const y = fusedMatMul(flattenPixels(x), flattenPixels(filter), options);
    return tf.reshape(y, [batch, height, width, filter.shape[3] ?? 0]);
  },
  inputGradient(dy, filter, { batch, height, width, channels }) {
    const options = { transposeB: true };
    const dx = fusedMatMul(flattenPixels(dy), flattenPixels(filter), options);
    return tf.reshape(dx, [batch, height, width, channels]);
  },
  filterGradient(x, dy) {
    const dw = sumOfOuterProducts(flattenPixels(x), flattenPixels(dy));
    return tf.reshape(dw, [1, 1, ...dw.shape]);
  },
};

function flattenPixels(map: tf.Tensor): tf.Tensor2D {
  const channels = map.shape[3] ?? 0;
  return tf.reshape(map, [map.size / channels, channels]);
}
