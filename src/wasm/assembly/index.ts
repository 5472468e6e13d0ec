/** The kernels that the engine calls. */
export { matMul, packColumns } from "./gemm";
export { convolve, convolveFilterGradient } from "./conv2d";
export { blur, classMask, pasteImages, pasteLabels } from "./augment";
export {
  winograd,
  winogradFilterGradient,
  winogradFilters,
  winogradOutputGradients,
  winogradTaps,
} from "./winograd";
export {
  finishMoments,
  finishNormGradients,
  normalize,
  normInputGradient,
  sumMoments,
  sumNormGradients,
} from "./batch_norm";
export { bilinearTaps } from "./bilinear";
export { channelDistance, channelDistanceGradient } from "./channel_distance";
export { colorJitter } from "./color_jitter";
export { argmaxConfidence, crossEntropy, crossEntropyGradient } from "./cross_entropy";
export { depthwiseConvolve, depthwiseFilterGradient } from "./depthwise";
export { dropoutFactors } from "./dropout";
export { gelu, geluGradient } from "./gelu";
export { layerNorm, layerNormGradients } from "./layer_norm";
export { averagePool, averagePoolGradient, maxPool, maxPoolGradient } from "./pool";
export { relu, relu6, relu6Gradient, reluGradient } from "./relu";
export {
  resizeBilinear,
  resizeBilinearGradient,
  resizeNearest,
  resizeNearestGradient,
} from "./resize";
export { softmax, softmaxGradient } from "./softmax";
export { addBlocks, divideSum, sumElements, sumRows, sumSquares } from "./sums";
export {
  gatherRowGradients,
  upsampledArgmax,
  upsampledCrossEntropy,
} from "./upsampled_logits";
export { adamw, adamwFutures, copy, lerp, scale, sgd, sgdFutures } from "./update";
