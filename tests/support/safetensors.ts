import { concatBytes, type HostTensor } from "../../src/core/host_tensor.ts";
import { safetensorsChunks } from "../../src/weights/safetensors.ts";

/** Writes a safetensors file to memory. */
export const encodeSafetensors = (
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> => concatBytes(safetensorsChunks(tensors, metadata));
