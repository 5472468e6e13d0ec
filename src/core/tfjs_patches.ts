/**
 * Repairs of tfjs 4.22.0 kernels that are wrong or needlessly slow.
 *
 * - webgpu `BatchMatMul` with `transposeB` is garbage on its split-K path (batch 1,
 *   K ≥ 2000, few output tiles): its vec4 variant forgets the transposition.
 * - webgpu keeps the memory of a freed tensor from serving others until the commands that
 *   use it are submitted. They run in order, and what is uploaded into memory in use is
 *   copied there in that order, so there is nothing to wait for: it serves at once.
 * - wasm `BatchMatMul` is fast only for one plain two-dimensional product (XNNPACK);
 *   transposed and batched products take a naive path that is 5–10 times slower.
 * - wasm `Slice` copies its whole input before it copies the slice, so cutting a tensor
 *   into n pieces copies it n times.
 * - wasm `Identity`, and `Cast` to the type that a tensor has, copy its memory: everything
 *   that is kept for a gradient was there twice. Elsewhere they share it.
 *
 * @module
 */
import * as tf from "./tf.ts";

/** What such a kernel is given. */
export type MatMulArguments = {
  inputs: { a: tf.TensorInfo; b: tf.TensorInfo };
  backend: unknown;
  attrs: { transposeA: boolean; transposeB: boolean };
};

/** A kernel of tfjs that multiplies batches of matrices. */
export type MatMul = (args: MatMulArguments) => tf.TensorInfo;

type SliceArguments = {
  inputs: { x: tf.TensorInfo };
  backend: {
    makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
    typedArrayFromHeap(info: tf.TensorInfo): Float32Array | Int32Array | Uint8Array;
  };
  attrs: { begin: number | number[]; size: number | number[] };
};
type Slice = (args: SliceArguments) => tf.TensorInfo;

// K from which tfjs may choose split-K (backend-webgpu, BatchMatMul_impl).
const SPLIT_K_FROM = 2000;

let wasmPatched = false;
let webGpuPatched = false;

/** Installs the wasm repairs, once. */
export function patchWasm(): void {
  if (wasmPatched) return;
  wasmPatched = true;
  replaceMatMul("wasm", wasmMatMul);
  replaceKernel<Slice>("Slice", "wasm", wasmSlice);
  replaceKernel<Sharing>("Identity", "wasm", () => sharing);
  replaceKernel<Sharing>("Cast", "wasm", (original) => (args) => {
    return args.attrs.dtype === args.inputs.x.dtype ? sharing(args) : original(args);
  });
}

/** Installs the webgpu repairs, once. */
export function patchWebGpu(): void {
  if (webGpuPatched) return;
  webGpuPatched = true;
  replaceMatMul("webgpu", webGpuMatMul);
  Object.defineProperty(tf.backend(), "commandQueueOwnedIds", {
    get: () => NOTHING,
    set() {}, // every submit sets a new one
  });
}

const NOTHING = { add: () => NOTHING, has: () => false };

function replaceMatMul(backendName: string, wrap: (original: MatMul) => MatMul): void {
  replaceKernel("BatchMatMul", backendName, wrap);
}

function replaceKernel<Run>(
  kernelName: string,
  backendName: string,
  wrap: (original: Run) => Run,
): void {
  const kernel = tf.getKernel(kernelName, backendName);
  if (kernel === undefined) {
    throw new Error(`Cannot repair tfjs: ${backendName} has no ${kernelName} kernel`);
  }
  tf.unregisterKernel(kernelName, backendName);
  // A kernel's type is wider than what this kernel is called with.
  const patched = wrap(kernel.kernelFunc as unknown as Run);
  tf.registerKernel({ ...kernel, kernelFunc: patched as unknown as tf.KernelFunc });
}

interface SharedArguments {
  readonly inputs: { readonly x: tf.TensorInfo };
  readonly attrs: { readonly dtype?: string };
  readonly backend: { incRef(id: tf.DataId): void };
}

type Sharing = (args: SharedArguments) => tf.TensorInfo;

function sharing({ inputs: { x }, backend }: SharedArguments): tf.TensorInfo {
  backend.incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
}

/** The repair for webgpu. */
export function webGpuMatMul(original: MatMul): MatMul {
  return ({ inputs: { a, b }, backend, attrs }) => {
    const K = b.shape[b.shape.length - 1] ?? 0;
    if (!attrs.transposeB || K < SPLIT_K_FROM) {
      return original({ inputs: { a, b }, backend, attrs });
    }
    return tf.tidy(() => {
      const plain = transposed(b);
      const noTransposeB = { ...attrs, transposeB: false };
      const product = original({ inputs: { a, b: plain }, backend, attrs: noTransposeB });
      return tf.engine().makeTensorFromTensorInfo(product);
    });
  };
}

/** The repair for wasm. */
export function wasmMatMul(original: MatMul): MatMul {
  const plain = { transposeA: false, transposeB: false };
  return ({ inputs, backend, attrs }) => {
    const rank = inputs.a.shape.length;
    const batch = product(inputs.a.shape.slice(0, -2));
    if (
      rank !== inputs.b.shape.length || batch !== product(inputs.b.shape.slice(0, -2))
    ) {
      return original({ inputs, backend, attrs });
    }
    return tf.tidy(() => {
      const multiply = (a: tf.TensorInfo, b: tf.TensorInfo) =>
        tf.engine().makeTensorFromTensorInfo(
          original({ inputs: { a, b }, backend, attrs: plain }),
        );
      const a = attrs.transposeA ? transposed(inputs.a) : inputs.a as tf.Tensor;
      const b = attrs.transposeB ? transposed(inputs.b) : inputs.b as tf.Tensor;
      if (batch === 1) return multiply(a, b);
      const [M = 0, K = 0] = a.shape.slice(-2);
      const N = b.shape[rank - 1] ?? 0;
      // Rows in slices rather than unstacked: that would copy all of them for each.
      const as = tf.reshape<tf.Rank.R2>(a, [batch * M, K]);
      const bs = tf.reshape<tf.Rank.R2>(b, [batch * K, N]);
      const products = Array.from({ length: batch }, (_, i) =>
        multiply(
          tf.slice2d(as, [i * M, 0], [M, K]),
          tf.slice2d(bs, [i * K, 0], [K, N]),
        )); // [M, N] each
      return tf.reshape(tf.stack(products), [...a.shape.slice(0, -2), M, N]);
    });
  };
}

function wasmSlice(original: Slice): Slice {
  return (call) => {
    const { inputs: { x }, backend, attrs } = call;
    const [begin, size] = tf.slice_util.parseSliceParams(
      x as tf.Tensor,
      attrs.begin,
      attrs.size,
    ) as [number[], number[]];
    if (x.dtype === "string" || !tf.slice_util.isSliceContinous(x.shape, begin, size)) {
      return original(call);
    }
    const out = backend.makeOutput(size, x.dtype);
    const strides = tf.util.computeStrides(x.shape);
    const from = tf.slice_util.computeFlatOffset(begin, strides);
    // The result exists by now, so the heap cannot move under these views.
    const cells = backend.typedArrayFromHeap(x).subarray(from, from + product(size));
    backend.typedArrayFromHeap(out).set(cells);
    return out;
  };
}

function transposed(x: tf.TensorInfo): tf.Tensor {
  const rank = x.shape.length;
  const order = [...Array(rank - 2).keys(), rank - 1, rank - 2];
  return tf.transpose(x as tf.Tensor, order);
}

function product(shape: readonly number[]): number {
  return shape.reduce((all, side) => all * side, 1);
}
