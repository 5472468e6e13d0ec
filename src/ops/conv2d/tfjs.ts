/**
 * Convolution by tfjs's XNNPACK, the fastest way on wasm.
 *
 * tfjs refuses gradients of dilated convolutions, and its wasm backend has none for
 * filters: dx (stride 1) is a convolution of dy with the flipped filter, and dw is one
 * matrix product per tap.
 *
 * @module
 */
import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { sumOfOuterProducts } from "../outer_products.ts";
import {
  CONV_UNIFORMS,
  type ConvSizes,
  explicitPadding,
  gradientPadding,
  isPointwise,
} from "./conv_sizes.ts";
import im2colShader from "./im2col_column.wgsl" with { type: "text" };
import { im2colColumnReference } from "./reference.ts";

const IM2COL_COLUMN = defineKernel({
  name: "im2colColumn",
  uniforms: { ...CONV_UNIFORMS, ky: "u32", kx: "u32" },
  inputs: { x: "f32" },
  outputs: { out: "f32" },
  shader: im2colShader,
  reference: im2colColumnReference,
});

/** Whether tfjs has the convolution and its input gradient. */
export function supportsConv2d(sizes: ConvSizes): boolean {
  return sizes.stride > 1
    ? sizes.dilation === 1
    : Math.min(...gradientPadding(sizes)) >= 0;
}

/**
 * x ∗ filter with both gradients.
 *
 * @param sizes Such that {@linkcode supportsConv2d}.
 */
export function tfjsConv2d(
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
      return tf.conv2d(x, filter, stride, explicitPadding(padding), "NHWC", dilation);
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
          return unpatchify(tf.matMul(flat, matrix, false, true), sizes);
        },
        filter: () =>
          tf.reshape(sumOfOuterProducts(patchify(x, sizes), flat), filter.shape),
      };
    },
  );
}

// The pixels under each window, a row per window. [B·OH·OW, S·S·C]
function patchify(
  x: tf.Tensor4D,
  { batch: B, outHeight, outWidth, channels: C, stride: S }: ConvSizes,
): tf.Tensor2D {
  const whole = tf.slice4d(x, [0, 0, 0, 0], [B, outHeight * S, outWidth * S, C]);
  const grid = tf.reshape(whole, [B * outHeight, S, outWidth, S * C]);
  const patches = tf.transpose(grid, [0, 2, 1, 3]); // [B·OH, OW, S, S·C]
  return tf.reshape(patches, [B * outHeight * outWidth, S * S * C]);
}

// Patches back in their places, zeros where no window reaches. [B, H, W, C]
function unpatchify(
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
  const { batch, height, width, channels, stride, dilation, padding } = sizes;
  if (stride > 1) {
    const shape: [number, number, number, number] = [batch, height, width, channels];
    return tf.conv2dTranspose(dy, filter, shape, stride, explicitPadding(padding));
  }
  const flippedFilter = tf.transpose<tf.Tensor4D>(
    tf.reverse(filter, [0, 1]),
    [0, 1, 3, 2],
  ); // [KH, KW, O, C]
  const pads = explicitPadding(...gradientPadding(sizes));
  return tf.conv2d(dy, flippedFilter, 1, pads, "NHWC", dilation);
}

function filterGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  sizes: ConvSizes,
): tf.Tensor {
  const { batch, outHeight, outWidth } = sizes;
  const { kernelHeight: KH, kernelWidth: KW, channels: C } = sizes;
  const O = dy.shape[3];
  const flat = tf.reshape<tf.Rank.R2>(dy, [dy.size / O, O]); // [B·OH·OW, O]
  if (isPointwise(sizes)) {
    const columns = tf.reshape<tf.Rank.R2>(x, [x.size / C, C]);
    return tf.reshape(sumOfOuterProducts(columns, flat), [1, 1, C, O]);
  }
  const taps: tf.Tensor[] = [];
  for (let ky = 0; ky < KH; ky++) {
    for (let kx = 0; kx < KW; kx++) {
      taps.push(tf.tidy(() => {
        const { out } = launch(IM2COL_COLUMN, {
          uniforms: { ...sizes, ky, kx },
          inputs: { x },
          outputs: { out: [C, batch * outHeight * outWidth] },
        });
        return tf.matMul(out, flat);
      }));
    }
  }
  return tf.reshape(tf.stack(taps), [KH, KW, C, O]);
}
