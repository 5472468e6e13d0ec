import * as tf from "../core/tf.ts";
import { convTap } from "../kernels/conv_tap/mod.ts";
import { type ConvOptions, type ConvSizes, convSizes } from "../kernels/conv_sizes.ts";
import { rowProduct } from "./row_product.ts";

export type { ConvOptions } from "../kernels/conv_sizes.ts";

/**
 * Two-dimensional convolution with both gradients, any dilation.
 *
 * y[b, r, s, o] = Σ over i, j, c of x[b, r·stride + i·dilation − padding, …, c] · w[i, j, c, o]
 *
 * tfjs refuses gradients of dilated convolutions, and its wasm backend has none for
 * filters. Here dx (stride 1) is a convolution of dy with the turned filter, and dw is one
 * matrix product per tap.
 *
 * @param x [B, H, W, C]
 * @param filter [KH, KW, C, O]
 * @returns [B, OH, OW, O]; the caller owns it.
 * @throws {RangeError} If stride and dilation are both above 1, or the filter is too large.
 */
export function conv2d(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  options: ConvOptions = {},
): tf.Tensor4D {
  const [KH, KW, , O] = filter.shape;
  const sizes = convSizes(x.shape, [KH, KW], options);
  const { stride, dilation, padding } = sizes;
  if (stride > 1 && dilation > 1) {
    throw new RangeError(
      `Cannot convolve with stride ${stride} and dilation ${dilation}: one of them must be 1`,
    );
  }
  if (stride === KH && stride === KW && stride > 1 && padding === 0) {
    return patchConv2d(x, filter, sizes);
  }
  return tf.differentiable<tf.Tensor4D>(
    { x, filter },
    (save) => {
      save([x, filter]);
      return tf.conv2d(x, filter, stride, explicit(padding), "NHWC", dilation);
    },
    (dy, saved) => {
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
      const dy4 = dy as tf.Tensor4D;
      return {
        x: () => inputGradient(dy4, x.shape, filter, sizes),
        filter: () => filterGradient(x, dy4, sizes, O),
      };
    },
  );
}

// Windows that touch but do not overlap: cut the image into patches, then one product.
function patchConv2d(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  { batch: B, outHeight, outWidth, channels: C, stride: S }: ConvSizes,
): tf.Tensor4D {
  const whole = tf.slice4d(x, [0, 0, 0, 0], [B, outHeight * S, outWidth * S, C]);
  const grid = tf.reshape(whole, [B * outHeight, S, outWidth, S * C]);
  const patches = tf.transpose(grid, [0, 2, 1, 3]); // [B·OH, OW, S, S·C]
  const matrix = tf.reshape(patches, [B * outHeight * outWidth, S * S * C]);
  const product = tf.matMul(matrix, tf.reshape(filter, [S * S * C, filter.shape[3]]));
  return tf.reshape(product, [B, outHeight, outWidth, filter.shape[3]]);
}

export function inputGradient(
  dy: tf.Tensor4D,
  shape: [number, number, number, number],
  filter: tf.Tensor4D,
  { stride, dilation, padding, kernelHeight, kernelWidth }: ConvSizes,
): tf.Tensor {
  if (stride > 1) {
    return tf.conv2dTranspose(dy, filter, shape, stride, explicit(padding));
  }
  const top = dilation * (kernelHeight - 1) - padding;
  const left = dilation * (kernelWidth - 1) - padding;
  if (top < 0 || left < 0) {
    throw new RangeError(
      `Cannot differentiate a convolution with padding ${padding}: at most ` +
        `${dilation * (Math.min(kernelHeight, kernelWidth) - 1)} is possible here`,
    );
  }
  const turned = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]); // [KH, KW, O, C]
  const around: ExplicitPadding = [[0, 0], [top, top], [left, left], [0, 0]];
  return tf.conv2d(dy, turned as tf.Tensor4D, 1, around, "NHWC", dilation);
}

export function filterGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  sizes: ConvSizes,
  O: number,
): tf.Tensor {
  const { kernelHeight: KH, kernelWidth: KW, channels: C } = sizes;
  const flat = tf.reshape<tf.Rank.R2>(dy, [dy.size / O, O]); // [B·OH·OW, O]
  if (KH === 1 && KW === 1 && sizes.stride === 1 && sizes.padding === 0) {
    const columns = tf.reshape<tf.Rank.R2>(x, [x.size / C, C]);
    return tf.reshape(rowProduct(columns, flat), [1, 1, C, O]);
  }
  const taps: tf.Tensor2D[] = [];
  for (let ky = 0; ky < KH; ky++) {
    for (let kx = 0; kx < KW; kx++) {
      taps.push(tf.tidy(() => tf.matMul(convTap(x, sizes, ky, kx), flat)));
    }
  }
  return tf.reshape(tf.stack(taps), [KH, KW, C, O]);
}

type ExplicitPadding = [[0, 0], [number, number], [number, number], [0, 0]];

function explicit(padding: number): ExplicitPadding {
  return [[0, 0], [padding, padding], [padding, padding], [0, 0]];
}
