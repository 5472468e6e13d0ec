/** The kernels that the engine calls. */
export { matMul, packColumns } from "./gemm";
export { convolve, convolveFilterGradient } from "./conv2d";
export { depthwiseConvolve, depthwiseFilterGradient } from "./depthwise";
export { gelu, geluGradient } from "./gelu";
export { addBlocks, divideSum, sumElements, sumRows } from "./sums";
