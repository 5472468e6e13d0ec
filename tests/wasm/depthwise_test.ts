import * as tf from "../../src/core/tf.ts";
import { convSizes } from "../../src/ops/conv2d/conv_sizes.ts";
import {
  depthwiseConv2dFilterGradient,
  depthwiseConv2dInputGradient,
  fusedDepthwiseConv2d,
} from "../../src/ops/depthwise_conv2d/fused_depthwise_conv2d.ts";
import { randomTensor, testWasmKernels } from "../support/mod.ts";

// Batch, height, width, channels, kernel, dilation, padding, stride.
const SIZES = [
  [1, 1, 1, 1, 3, 1, 1, 1],
  [2, 5, 7, 3, 3, 1, 1, 1],
  [2, 9, 8, 18, 3, 1, 1, 1],
  [1, 10, 13, 37, 3, 2, 2, 1],
  [1, 6, 5, 20, 3, 6, 6, 1],
  [2, 11, 9, 16, 5, 1, 0, 1],
  [1, 4, 9, 5, 3, 1, 3, 1],
  [1, 3, 131, 17, 3, 2, 2, 1],
  [1, 1, 1, 1, 3, 1, "same", 2],
  [2, 5, 8, 3, 3, 1, "same", 2],
  [2, 12, 9, 18, 5, 1, "same", 2],
  [1, 4, 263, 17, 3, 1, "same", 2],
  [1, 11, 13, 37, 5, 1, 0, 3],
  [1, 7, 9, 20, 2, 1, 4, 5],
] as const;

testWasmKernels(
  "depthwise convolution",
  Object.fromEntries(SIZES.map(([B, H, W, C, K, dilation, padding, stride]) => [
    `[${B}, ${H}, ${W}, ${C}], ${K}×${K}, dilation ${dilation}, padding ${padding}, ` +
    `stride ${stride}`,
    () => {
      const sizes = convSizes([B, H, W, C], [K, K], { stride, dilation, padding });
      const y: [number, number, number, number] = [
        B,
        sizes.outHeight,
        sizes.outWidth,
        C,
      ];
      const x = randomTensor<tf.Rank.R4>([B, H, W, C], "x");
      const filter = randomTensor<tf.Rank.R4>([K, K, C, 1], "filter");
      const bias = randomTensor<tf.Rank.R1>([C], "bias");
      const residual = randomTensor<tf.Rank.R4>(y, "residual");
      const dy = randomTensor<tf.Rank.R4>(y, "dy");
      return [
        fusedDepthwiseConv2d(x, filter, sizes),
        fusedDepthwiseConv2d(x, filter, sizes, { bias }),
        fusedDepthwiseConv2d(x, filter, sizes, { bias, gelu: true, residual }),
        depthwiseConv2dInputGradient(dy, filter, sizes),
        depthwiseConv2dFilterGradient(x, dy, sizes),
      ];
    },
  ])),
  1e-6,
);
