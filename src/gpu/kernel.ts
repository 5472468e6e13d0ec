/**
 * A kernel: one computation on arrays, declared once and implemented once per backend.
 *
 * The declaration names the uniforms, the inputs and the outputs. From it follow the types
 * of the arguments of {@linkcode launch}, the struct, bindings and index of the shader
 * (`shader_prelude.ts`) and the arrays that the CPU reference receives, so that no order
 * is written down twice. `launch()` runs the implementation of the current backend:
 *
 *   webgpu   `shader`, WGSL from the operation's folder
 *   wasm     `native`, primitives of oneDNN (`src/native`), where it is in use and has
 *            the operation; else `wasm`, calls of our WebAssembly kernels (`src/wasm`);
 *            else `reference`, loops over the memory of the wasm backend (`reference.ts`)
 *
 * Where a backend computes an operation in other steps, the operation's `<op>.ts` chooses
 * by `tf.getBackend()`.
 *
 * @module
 */
import type * as tf from "../core/tf.ts";
import type { NativeEngine } from "../native/engine.ts";
import type { WasmEngine } from "../wasm/engine.ts";

/** The type of a uniform. */
export type UniformType = "u32" | "f32";

/**
 * The type of a buffer's elements; "vec4f" reads a float32 tensor four at a time, and "u32"
 * its bits: a driver may change a number that is not finite, or very small, as it loads it.
 */
export type ElementType = "f32" | "i32" | "u32" | "vec4f";

/** Memory of a tensor on the host. */
export type TypedArray = Float32Array | Int32Array;

/** Arrays by name, as a CPU reference takes them. */
export type Arrays<N extends string> = Readonly<Record<N, TypedArray>>;

/** Where an array lies on the heap of the wasm backend; growing does not move it. */
export interface HeapArray {
  readonly address: number;
  /** In elements. */
  readonly length: number;
}

/** Arrays by name, as WebAssembly kernels take them. */
export type HeapArrays<N extends string> = Readonly<Record<N, HeapArray>>;

/** Values of the uniforms of a table of types. */
export type UniformsOf<T> = Readonly<Record<keyof T, number>>;

/** All of a kernel but its name; U, I and O are the names of uniforms, inputs, outputs. */
export interface KernelDeclaration<
  U extends string,
  I extends string,
  O extends string,
> {
  /** Read by the shader as `uniforms.<name>`. */
  readonly uniforms: Readonly<Record<U, UniformType>>;
  /** Arrays that are read, named as in the shader. */
  readonly inputs: Readonly<Record<I, ElementType>>;
  /** Arrays that are written, named as in the shader; "i32" makes an int32 tensor. */
  readonly outputs: Readonly<Record<O, ElementType>>;
  /**
   * WGSL without uniforms, bindings and entry point: `fn compute(i: u32)`, called for every
   * invocation, or `fn computeLane(group: u32, lane: u32)` where the 64 lanes of a workgroup
   * work together.
   */
  readonly shader?: string;
  /** The uniform that counts forward passes, if one does: a replayed step advances it. */
  readonly forwardCountUniform?: NoInfer<U>;
  /** The same computation by oneDNN; false: it has none for these sizes. */
  native?(
    engine: NativeEngine,
    arrays: Arrays<NoInfer<I | O>>,
    uniforms: Readonly<Record<NoInfer<U>, number>>,
  ): boolean;
  /** The same computation by our WebAssembly kernels; false if they do not have it. */
  wasm?(
    engine: WasmEngine,
    arrays: HeapArrays<NoInfer<I | O>>,
    uniforms: Readonly<Record<NoInfer<U>, number>>,
  ): void | false;
  /** The same computation with loops. */
  reference?(
    arrays: Arrays<NoInfer<I | O>>,
    uniforms: Readonly<Record<NoInfer<U>, number>>,
  ): void;
}

/** One computation. */
export interface Kernel<
  U extends string = string,
  I extends string = string,
  O extends string = string,
> extends KernelDeclaration<U, I, O> {
  /** Unique; also the label of the pipeline. */
  readonly name: string;
  /** Values of the shader's `override` declarations. */
  readonly constants?: Readonly<Record<string, number>>;
}

/** Declares a kernel; the names in the declaration become types. */
export function defineKernel<
  U extends string,
  I extends string,
  O extends string,
>(kernel: Kernel<U, I, O>): Kernel<U, I, O> {
  return kernel;
}

/**
 * Kernels that differ in flags; each is made once.
 *
 * Flags that are set become part of the name. Those that the shader declares as `override`
 * become its constants.
 */
export function kernelVariants<
  F extends Readonly<Record<string, boolean>>,
  U extends string,
  I extends string,
  O extends string,
>(
  name: string,
  declare: (flags: F) => KernelDeclaration<U, I, O>,
): (flags: F) => Kernel<U, I, O> {
  const variants = new Map<string, Kernel<U, I, O>>();
  return (flags) => {
    const enabled = Object.keys(flags).filter((flag) => flags[flag]);
    const key = [name, ...enabled].join(" ");
    let variant = variants.get(key);
    if (variant === undefined) {
      const kernel = declare(flags);
      const constants = Object.fromEntries(
        enabled
          .filter((flag) => kernel.shader?.includes(`override ${flag}:`))
          .map((flag) => [flag, 1]),
      );
      variant = { ...kernel, name: key, constants };
      variants.set(key, variant);
    }
    return variant;
  };
}

/** Neighboring elements of a tensor that is larger than what a device binds. */
export interface BufferSlice {
  readonly tensor: tf.Tensor;
  /** The first element; a multiple of {@linkcode SLICE_ALIGNMENT}. */
  readonly offset: number;
  /** How many elements. */
  readonly size: number;
}

/** Elements between the places where a slice may start: devices bind at 256 bytes. */
export const SLICE_ALIGNMENT = 64;

/** What a kernel reads or writes. */
export type Operand = tf.Tensor | BufferSlice;

/** The tensor of an operand. */
export function tensorOf(operand: Operand): tf.Tensor {
  return "tensor" in operand ? operand.tensor : operand;
}

/** A record with the same names and other values. */
export function mapRecord<K extends string, A, B>(
  record: Readonly<Record<K, A>>,
  change: (value: A, name: K) => B,
): Record<K, B> {
  const changed: Partial<Record<K, B>> = {};
  for (const name in record) changed[name] = change(record[name], name);
  return changed as Record<K, B>; // all names have a value now
}
