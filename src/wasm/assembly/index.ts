/** The kernels that the engine calls. */
export { matMul, packColumns } from "./gemm";
export { convolve, convolveFilterGradient } from "./conv2d";
export {
  winograd,
  winogradFilterGradient,
  winogradFilters,
  winogradOutputGradients,
  winogradTaps,
} from "./winograd";
