/** The kernels that the engine calls. */
export { matMul, packColumns } from "./gemm";
export { convolve, convolveFilterGradient } from "./conv2d";
export {
  finishMoments,
  finishNormGradients,
  normalize,
  normInputGradient,
  sumMoments,
  sumNormGradients,
} from "./batch_norm";
export { depthwiseConvolve, depthwiseFilterGradient } from "./depthwise";
export { gelu, geluGradient } from "./gelu";
export { layerNorm, layerNormGradients } from "./layer_norm";
export { softmax, softmaxGradient } from "./softmax";
export { addBlocks, divideSum, sumElements, sumRows } from "./sums";
export { adamw, copy, lerp, sgd } from "./update";
