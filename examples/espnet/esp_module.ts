/**
 * The efficient spatial pyramid: reduce, split, transform, merge.
 *
 *   r = reduce(x);  d_k = 3×3 convolution of r with dilation k, for k = 1, 2, 4, 8, 16
 *   y = [d_1, d_2, d_2 + d_4, d_2 + d_4 + d_8, d_2 + d_4 + d_8 + d_16]
 *
 * The sums are the paper's hierarchical feature fusion, which keeps the grids of large
 * dilations from showing.
 *
 * Source: Mehta et al., "ESPNet" (ECCV 2018), https://arxiv.org/abs/1803.06815, section 3.
 *
 * @module
 */
import { convolution, type Layer, parametersOf, type Tensor4D, tf } from "../../nn.ts";
import { normPrelu } from "./norm_prelu.ts";

const DILATIONS = [2, 4, 8, 16];

/** A convolution without bias that keeps the size of its maps but for the stride. */
export function convWithoutBias(
  name: string,
  inChannels: number,
  outChannels: number,
  { kernelSize, stride = 1, dilation = 1 }: {
    kernelSize: number;
    stride?: number;
    dilation?: number;
  },
): Layer {
  const padding = dilation * (kernelSize - 1) / 2;
  return convolution(`${name}.conv`, inChannels, outChannels, {
    kernelSize,
    stride,
    dilation,
    padding,
    bias: false,
    init: "pytorch",
  });
}

/**
 * An ESP module at the resolution of its input.
 *
 * @param name Parameters are `<name>.c1.*`, `.d1.*` … `.d16.*` and `.bn.*`.
 * @param residual Whether the input is added; it has as many channels then.
 */
export function espModule(
  name: string,
  inChannels: number,
  outChannels: number,
  { residual }: { residual: boolean },
): Layer {
  const pyramid = spatialPyramid(name, inChannels, outChannels, { kernelSize: 1 });
  const finish = normPrelu(`${name}.bn`, outChannels);
  return {
    parameters: parametersOf(pyramid, finish),
    apply(weights, x, context) {
      const y = pyramid.apply(weights, x, context); // [B, H, W, outputs]
      return finish.apply(weights, residual ? tf.add(x, y) : y, context);
    },
  };
}

/**
 * An ESP module at half the resolution of its input.
 *
 * @param name Parameters are `<name>.c1.*`, `.d1.*` … `.d16.*`, `.bn.*` and `.act.*`.
 */
export function stridedEspModule(
  name: string,
  inChannels: number,
  outChannels: number,
): Layer {
  const pyramid = spatialPyramid(name, inChannels, outChannels, {
    kernelSize: 3,
    stride: 2,
  });
  const finish = normPrelu(name, outChannels);
  return {
    parameters: parametersOf(pyramid, finish),
    apply: (weights, x, context) =>
      finish.apply(weights, pyramid.apply(weights, x, context), context), // [B, H/2, W/2, outputs]
  };
}

function spatialPyramid(
  name: string,
  inChannels: number,
  outChannels: number,
  reduction: { kernelSize: number; stride?: number },
): Layer {
  const branchChannels = Math.floor(outChannels / (DILATIONS.length + 1));
  const firstChannels = outChannels - DILATIONS.length * branchChannels;
  const reduce = convWithoutBias(`${name}.c1`, inChannels, branchChannels, reduction);
  const plain = convWithoutBias(`${name}.d1`, branchChannels, firstChannels, {
    kernelSize: 3,
  });
  const dilated = DILATIONS.map((dilation) =>
    convWithoutBias(`${name}.d${dilation}`, branchChannels, branchChannels, {
      kernelSize: 3,
      dilation,
    })
  );
  return {
    parameters: parametersOf(reduce, plain, ...dilated),
    apply(weights, x, context) {
      const reduced = reduce.apply(weights, x, context); // [B, h, w, width]
      const merged = [plain.apply(weights, reduced, context)]; // [B, h, w, rest]
      let sum: Tensor4D | null = null;
      for (const branch of dilated) {
        const map = branch.apply(weights, reduced, context); // [B, h, w, width]
        sum = sum === null ? map : tf.add<Tensor4D>(sum, map);
        merged.push(sum);
      }
      return tf.concat(merged, 3); // [B, h, w, outputs]
    },
  };
}
