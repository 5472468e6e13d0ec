/**
 * Convolution by XNNPACK, which is what is fast on wasm.
 *
 * tfjs refuses gradients of dilated convolutions, and its wasm backend has none for
 * filters: dx (stride 1) is a convolution of dy with the turned filter, and dw is one
 * matrix product per tap.
 *
 * @module
 */
import * as tf from "../core/tf.ts";
import { convTap } from "../kernels/conv_tap/mod.ts";
import type { ConvSizes } from "../kernels/conv_sizes.ts";
import { rowProduct } from "./row_product.ts";

/** Whether tfjs has the convolution and its input gradient. */
export function canDo(sizes: ConvSizes): boolean {
  const { stride, dilation, padding, kernelHeight, kernelWidth } = sizes;
  if (stride > 1) return dilation === 1;
  return padding <= dilation * (Math.min(kernelHeight, kernelWidth) - 1);
}

/**
 * x ∗ filter with both gradients.
 *
 * @param sizes Such that {@linkcode canDo}.
 */
export function conv2d(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  sizes: ConvSizes,
): tf.Tensor4D {
  const { stride, dilation, padding, kernelHeight, kernelWidth } = sizes;
  if (stride === kernelHeight && stride === kernelWidth && stride > 1 && padding === 0) {
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
      return {
        x: () => inputGradient(dy as tf.Tensor4D, filter, sizes),
        filter: () => filterGradient(x, dy as tf.Tensor4D, sizes),
      };
    },
  );
}

// Windows that touch but do not overlap: the gradients are products with the patches that
// the image is cut into.
function patchConv2d(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  sizes: ConvSizes,
): tf.Tensor4D {
  const { batch: B, outHeight, outWidth, channels: C, stride: S } = sizes;
  const [pixels, columns, O] = [B * outHeight * outWidth, S * S * C, filter.shape[3]];
  return tf.differentiable<tf.Tensor4D>(
    { x, filter },
    (save) => {
      save([x, filter]);
      return tf.conv2d(x, filter, S, "valid");
    },
    (dy, saved) => {
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
      const flat = tf.reshape<tf.Rank.R2>(dy, [pixels, O]);
      return {
        x: () => {
          const matrix = tf.reshape(filter, [columns, O]);
          return joined(tf.matMul(flat, matrix, false, true), sizes);
        },
        filter: () => tf.reshape(rowProduct(patchesOf(x, sizes), flat), filter.shape),
      };
    },
  );
}

// The pixels under each window, a row per window. [B·OH·OW, S·S·C]
function patchesOf(
  x: tf.Tensor4D,
  { batch: B, outHeight, outWidth, channels: C, stride: S }: ConvSizes,
): tf.Tensor2D {
  const whole = tf.slice4d(x, [0, 0, 0, 0], [B, outHeight * S, outWidth * S, C]);
  const grid = tf.reshape(whole, [B * outHeight, S, outWidth, S * C]);
  const patches = tf.transpose(grid, [0, 2, 1, 3]); // [B·OH, OW, S, S·C]
  return tf.reshape(patches, [B * outHeight * outWidth, S * S * C]);
}

// Patches back in their places, zeros where no window reaches. [B, H, W, C]
function joined(
  patches: tf.Tensor,
  { batch: B, height, width, outHeight, outWidth, channels: C, stride: S }: ConvSizes,
): tf.Tensor {
  const grid = tf.reshape(patches, [B * outHeight, outWidth, S, S * C]);
  const rows = tf.transpose(grid, [0, 2, 1, 3]); // [B·OH, S, OW, S·C]
  const whole = tf.reshape<tf.Rank.R4>(rows, [B, outHeight * S, outWidth * S, C]);
  const [below, right] = [height - outHeight * S, width - outWidth * S];
  return below + right === 0
    ? whole
    : tf.pad(whole, [[0, 0], [0, below], [0, right], [0, 0]]);
}

function inputGradient(
  dy: tf.Tensor4D,
  filter: tf.Tensor4D,
  sizes: ConvSizes,
): tf.Tensor {
  const { batch, height, width, channels, kernelHeight, kernelWidth } = sizes;
  const { stride, dilation, padding } = sizes;
  if (stride > 1) {
    const shape: [number, number, number, number] = [batch, height, width, channels];
    return tf.conv2dTranspose(dy, filter, shape, stride, explicit(padding));
  }
  const top = dilation * (kernelHeight - 1) - padding;
  const left = dilation * (kernelWidth - 1) - padding;
  const turned = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]); // [KH, KW, O, C]
  const around: ExplicitPadding = [[0, 0], [top, top], [left, left], [0, 0]];
  return tf.conv2d(dy, turned as tf.Tensor4D, 1, around, "NHWC", dilation);
}

function filterGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  sizes: ConvSizes,
): tf.Tensor {
  const { kernelHeight: KH, kernelWidth: KW, channels: C } = sizes;
  const O = dy.shape[3];
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
