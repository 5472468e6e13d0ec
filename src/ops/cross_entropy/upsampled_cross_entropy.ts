import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import {
  BILINEAR_UNIFORMS,
  type BilinearOptions,
  type BilinearSizes,
  bilinearSizes,
} from "../bilinear/bilinear.ts";
import bilinear from "../bilinear/bilinear.wgsl" with { type: "text" };
import finite from "../finite.wgsl" with { type: "text" };
import upsampledLogits from "../bilinear/upsampled_logits.wgsl" with { type: "text" };
import mapElement from "../map_element.wgsl" with { type: "text" };
import { sumAll } from "../sums/sums.ts";
import workgroupSum from "../sums/workgroup_sum.wgsl" with { type: "text" };
import cornerGradientsShader from "./corner_gradients.wgsl" with { type: "text" };
import { softmaxCrossEntropy } from "./cross_entropy.ts";
import gatherGradientShader from "./gather_gradient.wgsl" with { type: "text" };
import lossesShader from "./losses.wgsl" with { type: "text" };
import { upsampledCrossEntropyReference } from "./reference.ts";
import { upsampledCrossEntropyByWasm } from "./wasm.ts";

/** `weighted` is 0 where all pixels weigh 1; `weights` is then any tensor. */
const UNIFORMS = { ...BILINEAR_UNIFORMS, weighted: "u32" } as const;
const INPUTS = { logits: "f32", labels: "i32", weights: "f32" } as const;

const LOSSES = defineKernel({
  name: "upsampledCrossEntropyLosses",
  uniforms: UNIFORMS,
  inputs: INPUTS,
  outputs: { logSumExp: "f32", sums: "f32" },
  shader: bilinear + finite + upsampledLogits + workgroupSum + lossesShader,
});

const CORNER_GRADIENTS = defineKernel({
  name: "upsampledCrossEntropyCornerGradients",
  uniforms: UNIFORMS,
  inputs: { ...INPUTS, logSumExp: "f32" },
  outputs: { cornerGradients: "vec4f" },
  shader: mapElement + bilinear + cornerGradientsShader,
});

const GATHER_GRADIENT = defineKernel({
  name: "upsampledCrossEntropyGatherGradient",
  uniforms: { height: "u32", width: "u32", channels: "u32" },
  inputs: { cornerGradients: "vec4f" },
  outputs: { gradient: "f32" },
  shader: gatherGradientShader,
});

const SUM_ON_HOST = defineKernel({
  name: "upsampledCrossEntropy",
  uniforms: UNIFORMS,
  inputs: INPUTS,
  outputs: { sum: "f32" },
  wasm: (engine, arrays, sizes) =>
    upsampledCrossEntropyByWasm(engine, { ...arrays, gradient: null }, sizes),
  reference: (arrays, sizes) =>
    upsampledCrossEntropyReference({ ...arrays, gradient: null }, sizes),
});

const SUM_AND_GRADIENT_ON_HOST = defineKernel({
  name: "upsampledCrossEntropyAndGradient",
  uniforms: UNIFORMS,
  inputs: INPUTS,
  outputs: { sum: "f32", gradient: "f32" },
  wasm: upsampledCrossEntropyByWasm,
  reference: upsampledCrossEntropyReference,
});

/**
 * Sum of the softmax cross entropy of logits that are upsampled to the size of the labels.
 *
 * L = Σ over pixels of w · (log Σ_c exp(z_c) − z_label), z being the bilinear upsampling of
 * the logits (see `resizeBilinear`) and pixels whose label is no class counting 0. The
 * upsampled logits are never stored, neither here nor for the gradient.
 *
 * @param logits [B, h, w, C]
 * @param labels int32, 0 … C − 1; anything else (255) is ignored. [B, H, W]
 * @param weights w of every pixel, without gradient, or null for 1. [B, H, W]
 * @returns A scalar; the caller owns it.
 * @throws {RangeError} If labels or weights do not fit.
 */
export function upsampledCrossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
  weights: tf.Tensor | null,
  options: BilinearOptions = {},
): tf.Scalar {
  const [B, height, width] = logits.shape;
  const [images, outHeight = 0, outWidth = 0] = labels.shape;
  if (logits.rank !== 4 || labels.rank !== 3 || B !== images) {
    throw new RangeError(
      `Cannot compare logits [${logits.shape}] with labels [${labels.shape}]: "logits" must be ` +
        '[B, h, w, C] and "labels" [B, H, W]',
    );
  }
  if (weights !== null && weights.size !== labels.size) {
    throw new RangeError(
      `Cannot weight ${labels.size} pixels with ${weights.size} weights: "weights" must be ` +
        `[${labels.shape}]`,
    );
  }
  const onDevice = tf.getBackend() === "webgpu";
  if (height === outHeight && width === outWidth && onDevice) {
    // Nothing to upsample: there, simpler kernels take half the time.
    return sumAtFullSize(logits, labels, weights);
  }
  const sizes = {
    ...bilinearSizes(logits, [outHeight, outWidth], options),
    weighted: Number(weights !== null),
  };
  return tf.differentiable<tf.Scalar>(
    { logits },
    (save) => {
      const inputs = { logits, labels, weights: weights ?? logits };
      const withGradient = tf.isGradientRecording();
      const [sum, gradient] = onDevice
        ? sumOnDevice(inputs, sizes, withGradient)
        : sumOnHost(inputs, sizes, withGradient);
      // The gradient is as small as the logits: keeping it is cheaper than keeping what it
      // takes to compute it later.
      if (gradient !== null) save([gradient]);
      return sum;
    },
    (dy, [gradient]) => ({ logits: () => tf.mul(gradient as tf.Tensor, dy) }),
  );
}

type LossInputs = Readonly<Record<keyof typeof INPUTS, tf.Tensor>>;
type LossSizes = BilinearSizes & { readonly weighted: number };
type SumAndGradient = [sum: tf.Tensor, gradient: tf.Tensor | null];

function sumOnDevice(
  inputs: LossInputs,
  sizes: LossSizes,
  withGradient: boolean,
): SumAndGradient {
  const { logits, labels } = inputs;
  const pixels = labels.size;
  const { logSumExp, sums } = launch(LOSSES, {
    uniforms: sizes,
    inputs,
    outputs: { logSumExp: [pixels], sums: [Math.ceil(pixels / 64)] },
  });
  const sum = sumAll(sums, 1);
  sums.dispose();
  let gradient: tf.Tensor | null = null;
  if (withGradient) {
    const { cornerGradients } = launch(CORNER_GRADIENTS, {
      uniforms: sizes,
      inputs: { ...inputs, logSumExp },
      outputs: { cornerGradients: [logits.size, 4] },
      invocations: logits.size,
    });
    const { height, width, channels } = sizes;
    gradient = launch(GATHER_GRADIENT, {
      uniforms: { height, width, channels },
      inputs: { cornerGradients },
      outputs: { gradient: logits.shape },
    }).gradient;
    cornerGradients.dispose();
  }
  logSumExp.dispose();
  return [sum, gradient];
}

function sumOnHost(
  inputs: LossInputs,
  uniforms: LossSizes,
  withGradient: boolean,
): SumAndGradient {
  if (!withGradient) {
    return [launch(SUM_ON_HOST, { uniforms, inputs, outputs: { sum: [] } }).sum, null];
  }
  const { sum, gradient } = launch(SUM_AND_GRADIENT_ON_HOST, {
    uniforms,
    inputs,
    outputs: { sum: [], gradient: inputs.logits.shape },
  });
  return [sum, gradient];
}

function sumAtFullSize(logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor | null) {
  return tf.tidy(() => {
    const losses = softmaxCrossEntropy(logits, labels);
    const weighted = weights === null ? losses : tf.mul(losses, weights);
    // Row by row: short float32 sums lose less than one long one.
    return tf.sum<tf.Scalar>(tf.sum(weighted, -1));
  });
}
