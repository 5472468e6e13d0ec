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
import { convolution, type Layer, parametersOf, type Tensor4D, tf } from "../../mod.ts";
import { normPrelu } from "./prelu.ts";

const DILATIONS = [2, 4, 8, 16];

/** A convolution without bias that keeps the size of its maps but for the stride. */
export function conv(
  name: string,
  inputs: number,
  outputs: number,
  { kernel, stride = 1, dilation = 1 }: {
    kernel: number;
    stride?: number;
    dilation?: number;
  },
): Layer {
  const padding = dilation * (kernel - 1) / 2;
  return convolution(`${name}.conv`, inputs, outputs, {
    kernel,
    stride,
    dilation,
    padding,
    bias: false,
    start: "pytorch",
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
  inputs: number,
  outputs: number,
  { residual }: { residual: boolean },
): Layer {
  const pyramid = spatialPyramid(name, inputs, outputs, { kernel: 1 });
  const finish = normPrelu(`${name}.bn`, outputs);
  return {
    parameters: parametersOf(pyramid, finish),
    apply(weights, x, pass) {
      const y = pyramid.apply(weights, x, pass); // [B, H, W, outputs]
      return finish.apply(weights, residual ? tf.add(x, y) : y, pass);
    },
  };
}

/**
 * An ESP module at half the resolution of its input.
 *
 * @param name Parameters are `<name>.c1.*`, `.d1.*` … `.d16.*`, `.bn.*` and `.act.*`.
 */
export function stridedEspModule(name: string, inputs: number, outputs: number): Layer {
  const pyramid = spatialPyramid(name, inputs, outputs, { kernel: 3, stride: 2 });
  const finish = normPrelu(name, outputs);
  return {
    parameters: parametersOf(pyramid, finish),
    apply: (weights, x, pass) =>
      finish.apply(weights, pyramid.apply(weights, x, pass), pass), // [B, H/2, W/2, outputs]
  };
}

function spatialPyramid(
  name: string,
  inputs: number,
  outputs: number,
  reduction: { kernel: number; stride?: number },
): Layer {
  const width = Math.floor(outputs / (DILATIONS.length + 1));
  const rest = outputs - DILATIONS.length * width;
  const reduce = conv(`${name}.c1`, inputs, width, reduction);
  const plain = conv(`${name}.d1`, width, rest, { kernel: 3 });
  const dilated = DILATIONS.map((dilation) =>
    conv(`${name}.d${dilation}`, width, width, { kernel: 3, dilation })
  );
  return {
    parameters: parametersOf(reduce, plain, ...dilated),
    apply(weights, x, pass) {
      const reduced = reduce.apply(weights, x, pass); // [B, h, w, width]
      const merged = [plain.apply(weights, reduced, pass)]; // [B, h, w, rest]
      let sum: Tensor4D | null = null;
      for (const branch of dilated) {
        const map = branch.apply(weights, reduced, pass); // [B, h, w, width]
        sum = sum === null ? map : tf.add<Tensor4D>(sum, map);
        merged.push(sum);
      }
      return tf.concat(merged, 3); // [B, h, w, outputs]
    },
  };
}
