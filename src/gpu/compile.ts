/** Compiling kernels before they are needed. @module */
export {
  compiledKernels,
  compileKernels,
  type KernelRefusal,
  pipelineDescriptor,
} from "./dispatch.ts";
export { collectKernels } from "./launch.ts";
