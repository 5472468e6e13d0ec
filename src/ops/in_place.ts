/**
 * Updates that write into existing tensors: optimizer steps and moving averages.
 *
 * They change the tensor they are given and everything that shares its memory, so run
 * them only when no gradient is still to be computed from the old values.
 *
 * @module
 */
export { adamw, adamwAll, type AdamWUpdate } from "../kernels/adamw/mod.ts";
export { blend, blendAll, type Blended } from "../kernels/blend/mod.ts";
export { sgd, sgdAll, type SgdScalars, type SgdUpdate } from "../kernels/sgd/mod.ts";
