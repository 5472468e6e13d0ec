/**
 * Running a kernel: WGSL on a WebGPU device, its plain twin everywhere else.
 *
 * Both read the same arrays in the same order. The twin works directly on the memory of
 * the wasm backend, so it is the kernel there, not only a reference.
 *
 * @module
 */
import * as tf from "../core/tf.ts";
import { type Part, tensorOf } from "./part.ts";
import { tap } from "./tap.ts";
import { dispatch } from "./webgpu.ts";
import { heapOf, renew } from "./wasm.ts";
import type { UniformType } from "./uniforms.ts";

/** Memory of a tensor as a twin sees it. */
export type Cells = Float32Array | Int32Array;

export type { UniformType } from "./uniforms.ts";

/** One computation, written twice. */
export interface Kernel<U extends string = string> {
  /** Unique; also the label of the pipeline. */
  readonly name: string;
  /** WGSL with entry point `main`: binding 0 holds the uniforms, then inputs, then outputs. */
  readonly shader: string;
  /** Values of the shader's `override` declarations; kernels that differ in them have other names. */
  readonly constants?: Readonly<Record<string, number>>;
  /** The fields of the uniform struct, in order. */
  readonly uniforms: Readonly<Record<U, UniformType>>;
  /** The uniform that counts loss evaluations, if one does: a replayed step advances it. */
  readonly clock?: U;
  /**
   * The same computation with loops; cells come in the order of the bindings. Absent where
   * one twin stands for several shaders in a row, see {@linkcode launchPlain}.
   */
  twin?(
    uniforms: Readonly<Record<U, number>>,
    inputs: readonly Cells[],
    outputs: readonly Cells[],
  ): void;
}

/** What one run of a kernel reads and writes. */
export interface Launch<U extends string> {
  readonly uniforms: Readonly<Record<U, number>>;
  readonly inputs: readonly (tf.Tensor | Part)[];
  /** A shape makes a new tensor (float32 unless said otherwise). */
  readonly outputs?: readonly OutputSpec[];
  /** Tensors changed in place, bound after the outputs; no input may be among them. */
  readonly updates?: readonly (tf.Tensor | Part)[];
  /** How many invocations do the work; shaders return early beyond it. */
  readonly invocations: number;
}

/** A tensor to be made by a kernel. */
export interface OutputSpec {
  readonly shape: readonly number[];
  readonly dtype?: "float32" | "int32";
}

/**
 * Runs a kernel on the current backend.
 *
 * @returns The new tensors, in the order of `outputs`; the caller owns them.
 * @throws {TypeError} If the backend is neither webgpu nor wasm.
 */
export function launch<U extends string>(
  kernel: Kernel<U>,
  { uniforms, inputs, outputs = [], updates = [], invocations }: Launch<U>,
): tf.Tensor[] {
  const backend = tf.getBackend();
  const listener = tap();
  if (listener?.replaying) {
    listener.restate(kernel, uniforms);
    return [];
  }
  const made = outputs.map(makeTensor);
  const written = [...made, ...updates];
  if (invocations === 0 || tf.isRehearsal()) return made;
  if (backend === "webgpu") {
    dispatch(kernel, uniforms, inputs, written, invocations);
  } else if (backend === "wasm" && kernel.twin !== undefined) {
    // All outputs exist by now, so the heap cannot move under these views.
    kernel.twin(uniforms, inputs.map(cellsOf), written.map(cellsOf));
    updates.forEach((one) => renew(tensorOf(one)));
  } else {
    throw unsupported(kernel.name, backend);
  }
  return made;
}

/** What one run of plain loops reads and writes. */
export interface PlainLaunch {
  readonly inputs: readonly tf.Tensor[];
  readonly outputs?: readonly OutputSpec[];
  /** Tensors changed in place, after the outputs; no input may be among them. */
  readonly updates?: readonly tf.Tensor[];
  /** The loops; cells come in the orders above. */
  compute(inputs: readonly Cells[], outputs: readonly Cells[]): void;
}

/**
 * Runs plain loops on the memory of the wasm backend: the twin of several shaders in a
 * row, or of one shader run many times.
 *
 * @returns The new tensors, in the order of `outputs`; the caller owns them.
 * @throws {TypeError} If the backend is not wasm.
 */
export function launchPlain(
  name: string,
  { inputs, outputs = [], updates = [], compute }: PlainLaunch,
): tf.Tensor[] {
  if (tf.getBackend() !== "wasm") throw unsupported(name, tf.getBackend());
  const made = outputs.map(makeTensor);
  if (tf.isRehearsal()) return made;
  // All outputs exist by now, so the heap cannot move under these views.
  compute(inputs.map(heapOf), [...made, ...updates].map(heapOf));
  updates.forEach(renew);
  return made;
}

/** As {@linkcode launch} for kernels with one output. */
export function launchOne<U extends string>(
  kernel: Kernel<U>,
  call: Launch<U>,
): tf.Tensor {
  const [result] = launch(kernel, call);
  if (result === undefined) {
    throw new TypeError(`Cannot run kernel "${kernel.name}": it declares no output`);
  }
  return result;
}

function unsupported(name: string, backend: string): TypeError {
  return new TypeError(
    `Cannot run kernel "${name}": backend "${backend}" is not supported; call ` +
      "openBackend() first",
  );
}

/** A tensor of unknown content on the current backend; the caller owns it. */
export function makeTensor({ shape, dtype = "float32" }: OutputSpec): tf.Tensor {
  const backend = tf.backend() as unknown as MakesOutputs;
  const info = backend.makeOutput?.([...shape], dtype) ??
    backend.makeTensorInfo?.([...shape], dtype);
  if (info === undefined) throw new TypeError("Cannot make a tensor on this backend");
  return tf.engine().makeTensorFromTensorInfo(info);
}

function cellsOf(one: tf.Tensor | Part): Cells {
  const cells = heapOf(tensorOf(one));
  return "tensor" in one ? cells.subarray(one.from, one.from + one.size) : cells;
}

// The wasm backend names it makeOutput, the webgpu backend makeTensorInfo.
interface MakesOutputs {
  makeOutput?(shape: number[], dtype: string): tf.TensorInfo;
  makeTensorInfo?(shape: number[], dtype: string): tf.TensorInfo;
}
