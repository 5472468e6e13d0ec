/**
 * For networks of your own: TensorFlow.js, what a network is, and the layers and operations
 * that the networks here are made of.
 *
 * A network is an encoder and a decoder, each the parameters it declares and a function of
 * their values; `examples/espnet/` has one with its authors' weights.
 *
 * ```ts
 * import { convolution, encoderDecoder, openBackend, predictCustomNetwork, tf } from "./nn.ts";
 * import { initializeWeights, releaseWeights } from "./weights.ts";
 *
 * const stem = convolution("stem", 3, 8, { kernelSize: 3, stride: 4, padding: 1 });
 * const head = convolution("head", 8, 5, { kernelSize: 1 });
 * const network = encoderDecoder(
 *   {
 *     ...stem,
 *     strides: [4],
 *     channels: [8],
 *     apply: (weights, images, context) => [tf.relu(stem.apply(weights, images, context))],
 *   },
 *   {
 *     ...head,
 *     apply: (weights, maps, context) => head.apply(weights, tf.concat(maps, 3), context),
 *   },
 *   5,
 * );
 *
 * await openBackend();
 * const weights = initializeWeights(network.parameters, 0); // or those of a file
 * const image = { width: 32, height: 24, data: new Uint8Array(32 * 24 * 3) }; // RGB
 * const labels = await predictCustomNetwork({ network, weights }, image);
 * console.log(labels.length); // a class id per pixel
 * releaseWeights(weights);
 * ```
 *
 * @module
 */
import * as tfjs from "./src/core/tf.ts";

/**
 * TensorFlow.js, the copy that this library computes with; tensors of another copy are
 * unknown to it. In addition, `tf.differentiable` gives a function a gradient of its own.
 */
export const tf: typeof tfjs = tfjs;

export {
  type BackendChoice,
  type BackendInfo,
  type CpuOptions,
  type EngineInfo,
  openBackend,
} from "./src/core/backend.ts";
export type { ClassInfo, Normalization } from "./src/core/host_batch.ts";
export type { DataType, HostTensor } from "./src/core/host_tensor.ts";
export {
  type AuxiliaryHead,
  type AuxiliaryLogits,
  type Decoder,
  type DecoderOutput,
  type DerivedBuffer,
  type Encoder,
  EVAL_CONTEXT,
  type ForwardContext,
  type Initializer,
  type LabelCrop,
  type Layer,
  type Layout,
  type Network,
  type NetworkOutput,
  type Parameter,
  type RngKey,
  type RunningStatsUpdate,
  type TokenMask,
  type UpsampleOptions,
  weightOf,
  type Weights,
} from "./src/core/network.ts";
export type { AnyTensor as Tensor, Tensor4D } from "./src/core/tf.ts";
export {
  type CustomNetwork,
  evaluateCustomNetwork,
  type EvaluateCustomOptions,
  type LabeledFolder,
  type NetworkFactory,
  predictCustomNetwork,
  type PredictOptions,
} from "./src/evaluate/custom_network.ts";
export { exportCustomNetwork, type ExportResult } from "./src/export/export_network.ts";
export type { OnnxOptions } from "./src/export/onnx_model.ts";
export { readImage, type RgbImage } from "./src/formats/image_codec.ts";
export {
  convolution,
  type ConvolutionInit,
  type ConvolutionOptions,
  depthwiseConvolution,
} from "./src/layers/convolution.ts";
export { linear, type LinearInit } from "./src/layers/linear.ts";
export {
  batchNorm,
  type BatchNormOptions,
  layerNorm,
} from "./src/layers/normalization.ts";
export {
  buffer,
  parameter,
  parametersOf,
  vectorParameter,
} from "./src/layers/parameter.ts";
export { encoderDecoder } from "./src/models/encoder_decoder.ts";
export {
  adaptiveAveragePool,
  averagePool,
  type AveragePoolOptions,
} from "./src/ops/pool/average_pool.ts";
export {
  type BiasedConvOptions,
  conv2d,
  type ConvOptions,
} from "./src/ops/conv2d/conv2d.ts";
export { gelu } from "./src/ops/gelu/gelu.ts";
export { maxPool, type MaxPoolOptions } from "./src/ops/pool/max_pool.ts";
export { type BilinearOptions, resizeBilinear } from "./src/ops/resize/resize.ts";
export { transposedConv2d } from "./src/ops/transposed_conv2d.ts";
