/** Direct access to the memory of tfjs's wasm backend (private members of 4.22.0). @module */
import * as tf from "../core/tf.ts";
import type { TypedArray } from "./kernel.ts";

interface WasmBackend {
  typedArrayFromHeap(info: tf.TensorInfo): TypedArray;
  dataIdMap: { get(id: tf.DataId): { id: number; memoryOffset: number } };
  dataIdNextNumber: number;
  wasm: {
    tfjs: {
      disposeData(id: number): void;
      registerTensor(id: number, size: number, offset: number): void;
    };
  };
}

/** The elements of a tensor, in place; valid until the next allocation. */
export function heapView(tensor: tf.Tensor): TypedArray {
  return wasmBackend().typedArrayFromHeap(tensor);
}

/**
 * Tells the backend that a tensor's elements were changed in place.
 *
 * XNNPACK keeps packed copies of filters under the tensor's number; under a new number
 * the next convolution packs the new values.
 */
export function invalidatePackedFilter(tensor: tf.Tensor): void {
  const backend = wasmBackend();
  const entry = backend.dataIdMap.get(tensor.dataId);
  backend.wasm.tfjs.disposeData(entry.id);
  entry.id = backend.dataIdNextNumber++;
  backend.wasm.tfjs.registerTensor(entry.id, tensor.size, entry.memoryOffset);
}

function wasmBackend(): WasmBackend {
  // Private in the types.
  return tf.backend() as unknown as WasmBackend;
}
