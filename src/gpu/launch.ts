/** Running a kernel on the current backend. @module */
import * as tf from "../core/tf.ts";
import { collected } from "./compile.ts";
import { dispatch, recorderHook } from "./dispatch.ts";
import {
  type ElementType,
  type HeapArray,
  type Kernel,
  mapRecord,
  type Operand,
  tensorOf,
  type TypedArray,
} from "./kernel.ts";
import { nativeEngine } from "../native/engine.ts";
import { wasmEngine } from "../wasm/engine.ts";
import { heapView, invalidatePackedFilter } from "./tfjs_wasm.ts";
import { checkUniforms } from "./uniforms.ts";

/** What one run of a kernel reads and writes. */
export interface Launch<U extends string, I extends string, O extends string> {
  readonly uniforms: Readonly<Record<U, number>>;
  readonly inputs: Readonly<Record<I, Operand>>;
  /** A shape makes a new tensor. A tensor is changed in place: it must not be an input. */
  readonly outputs: Readonly<Record<O, readonly number[] | Operand>>;
  /**
   * How many invocations do the work.
   * @default {One per element of the first declared output}
   */
  readonly invocations?: number;
}

/**
 * Runs a kernel on the current backend.
 *
 * @returns The tensors of `outputs`; the caller owns the new ones.
 * @throws {TypeError} If the kernel has no implementation for the backend, or a uniform is
 * missing or unknown.
 */
export function launch<U extends string, I extends string, O extends string>(
  kernel: Kernel<U, I, O>,
  { uniforms, inputs, outputs, invocations = sizeOfFirst(kernel, outputs) }: Launch<
    NoInfer<U>,
    NoInfer<I>,
    NoInfer<O>
  >,
): Record<O, tf.Tensor> {
  const values = { invocations, ...uniforms };
  const hook = recorderHook();
  if (hook?.replaying) {
    hook.refreshUniforms(kernel, values);
    return mapRecord(outputs, (output) => {
      if (!isShape(output)) return tensorOf(output);
      throw new TypeError(
        `Cannot replay kernel "${kernel.name}": it makes a tensor outside of a forward ` +
          "and backward pass",
      );
    });
  }
  const written = mapRecord(
    outputs,
    (output, name) =>
      isShape(output) ? allocateTensor(output, kernel.outputs[name]) : output,
  );
  if (tf.isDryRun()) {
    collected?.add(kernel);
    tf.reportKernel({
      kernel: kernel.name,
      inputs: mapRecord(inputs, tensorOf),
      attributes: uniforms,
      outputs: mapRecord(written, tensorOf),
    });
  }
  if (invocations === 0 || tf.isDryRun()) return mapRecord(written, tensorOf);
  const backend = tf.getBackend();
  if (backend === "webgpu" && kernel.shader !== undefined) {
    const read = Object.keys(kernel.inputs).map((name) => inputs[name as I]);
    const bound = Object.keys(kernel.outputs).map((name) => written[name as O]);
    dispatch(kernel, values, read, bound);
  } else if (backend === "wasm" && (kernel.wasm ?? kernel.reference) !== undefined) {
    checkUniforms(kernel, values);
    runOnHost(kernel, uniforms, inputs, written);
    for (const output of Object.values<readonly number[] | Operand>(outputs)) {
      if (!isShape(output)) invalidatePackedFilter(tensorOf(output));
    }
  } else {
    const isSupported = backend === "webgpu" || backend === "wasm";
    throw new TypeError(
      `Cannot run kernel "${kernel.name}": it has no implementation for backend ` +
        `"${backend}"${isSupported ? "" : "; call openBackend() first"}`,
    );
  }
  return mapRecord(written, tensorOf);
}

// By the fastest engine that has the kernel. All outputs exist by now, so the heap cannot
// move under the views.
function runOnHost<U extends string, I extends string, O extends string>(
  kernel: Kernel<U, I, O>,
  uniforms: Readonly<Record<U, number>>,
  inputs: Readonly<Record<I, Operand>>,
  outputs: Readonly<Record<O, Operand>>,
): void {
  const arrays = { ...mapRecord(inputs, arrayOf), ...mapRecord(outputs, arrayOf) };
  const native = nativeEngine();
  if (native !== null && kernel.native?.(native, arrays, uniforms)) return;
  const engine = wasmEngine();
  if (engine !== null && kernel.wasm !== undefined) {
    const onHeap = mapRecord<I | O, TypedArray, HeapArray>(arrays, (array) => ({
      address: array.byteOffset,
      length: array.length,
    }));
    if (kernel.wasm(engine, onHeap, uniforms) !== false) return;
  }
  kernel.reference?.(arrays, uniforms);
}

/** A tensor of unknown content on the current backend; the caller owns it. */
export function allocateTensor(shape: readonly number[], type: ElementType): tf.Tensor {
  const backend = tf.backend() as unknown as TensorAllocator;
  const dtype = type === "i32" ? "int32" : "float32";
  const info = backend.makeOutput?.([...shape], dtype) ??
    backend.makeTensorInfo?.([...shape], dtype);
  if (info === undefined) throw new TypeError("Cannot make a tensor on this backend");
  return tf.engine().makeTensorFromTensorInfo(info);
}

// The wasm backend names it makeOutput, the webgpu backend makeTensorInfo.
interface TensorAllocator {
  makeOutput?(shape: number[], dtype: string): tf.TensorInfo;
  makeTensorInfo?(shape: number[], dtype: string): tf.TensorInfo;
}

function arrayOf(operand: Operand): TypedArray {
  const array = heapView(tensorOf(operand));
  return "tensor" in operand
    ? array.subarray(operand.offset, operand.offset + operand.size)
    : array;
}

function sizeOfFirst(
  kernel: Kernel,
  outputs: Readonly<Record<string, readonly number[] | Operand>>,
): number {
  const [name = ""] = Object.keys(kernel.outputs);
  const first = outputs[name] ?? [];
  return isShape(first) ? tf.util.sizeFromShape([...first]) : first.size;
}

function isShape(output: readonly number[] | Operand): output is readonly number[] {
  return Array.isArray(output);
}
