/** Dawn, the WebGPU of Chrome, named here and nowhere else. @module */
import { create } from "npm:webgpu@0.6.2";

/** Dawn ends when this is collected, whatever devices it has opened. */
const gpu = create(["backend=null"]) as GPU;

/** A device that compiles as Chrome does and runs nothing; it needs no driver. */
export async function openNullDevice(): Promise<GPUDevice> {
  const adapter = await gpu.requestAdapter();
  if (adapter === null) throw new Error("Cannot start Dawn: it has no null backend");
  const { maxStorageBuffersPerShaderStage } = adapter.limits;
  return await adapter.requestDevice({
    requiredLimits: { maxStorageBuffersPerShaderStage },
  });
}
