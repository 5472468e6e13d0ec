/**
 * Repairs of tfjs 4.22.0 kernels that are wrong or needlessly slow.
 *
 * - webgpu `BatchMatMul` with `transposeB` is garbage on its split-K path (batch 1,
 *   K ≥ 2000, few output tiles): its vec4 variant forgets the transposition.
 * - webgpu keeps the memory of a freed tensor from serving others until the commands that
 *   use it are submitted. Commands and uploads run in order, so the memory can be reused
 *   at once.
 * - wasm `BatchMatMul` is fast only for one plain two-dimensional product (XNNPACK);
 *   transposed and batched products take a naive path that is 5–10 times slower.
 * - wasm `Slice` and `SplitV`, the gradient of `Concat`, copy their whole input before they
 *   copy a slice, so cutting a tensor into n pieces copies it n times.
 * - wasm `Identity`, and `Cast` to the type that a tensor has, copy its memory, so that
 *   everything kept for a gradient exists twice. Other backends share it.
 * - wasm uses the 0 that `malloc` returns when memory has run out as an address. It
 *   overwrites what is there and fails later, with an error that does not mention memory.
 *
 * @module
 */
import { numel } from "./host_tensor.ts";
import { WasmMemoryError } from "./out_of_memory.ts";
import * as tf from "./tf.ts";

/** A kernel of tfjs, by the names of its inputs. */
type KernelFunction<
  Input extends string,
  Attributes,
  Backend = unknown,
  Output = tf.TensorInfo,
> = (call: {
  inputs: Record<Input, tf.TensorInfo>;
  backend: Backend;
  attrs: Attributes;
}) => Output;

type MatMul = KernelFunction<"a" | "b", { transposeA: boolean; transposeB: boolean }>;
interface WasmHeap {
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  typedArrayFromHeap(info: tf.TensorInfo): Float32Array | Int32Array | Uint8Array;
}
type Slice = KernelFunction<
  "x",
  { begin: number | number[]; size: number | number[] },
  WasmHeap
>;
type Split = KernelFunction<
  "x",
  { numOrSizeSplits: number | number[]; axis: number },
  WasmHeap,
  tf.TensorInfo[]
>;
type Alias = KernelFunction<"x", { dtype?: string }, { incRef(id: tf.DataId): void }>;

// K from which tfjs may choose split-K (backend-webgpu, BatchMatMul_impl).
const SPLIT_K_MINIMUM = 2000;

let wasmPatched = false;
let webGpuPatched = false;

/** Installs the wasm repairs, once. */
export function patchWasm(): void {
  if (wasmPatched) return;
  wasmPatched = true;
  replaceKernel("BatchMatMul", "wasm", wasmMatMul);
  replaceKernel<Slice>("Slice", "wasm", wasmSlice);
  replaceKernel<Split>("SplitV", "wasm", wasmSplit);
  replaceKernel<Alias>("Identity", "wasm", () => aliasInput);
  replaceKernel<Alias>("Cast", "wasm", (original) => (args) => {
    return args.attrs.dtype === args.inputs.x.dtype ? aliasInput(args) : original(args);
  });
  checkAllocations();
}

// Private members of the wasm backend.
interface WasmModule {
  _malloc(bytes: number): number;
  _free(address: number): void;
}

function checkAllocations(): void {
  const { wasm } = tf.backend() as unknown as { wasm: WasmModule };
  wasm._free(wasm._malloc(1)); // the first call replaces the function by the real one
  const malloc = wasm._malloc;
  wasm._malloc = (bytes) => {
    const address = bytes < ADDRESS_SPACE ? malloc(bytes) : 0;
    if (address === 0 && bytes > 0) throw new WasmMemoryError(bytes);
    return address;
  };
}

// malloc reads sizes modulo 4 GiB.
const ADDRESS_SPACE = 2 ** 32;

/** Installs the webgpu repairs: in the kernels once, in the backend in use each time. */
export function patchWebGpu(): void {
  if (!webGpuPatched) replaceKernel("BatchMatMul", "webgpu", webGpuMatMul);
  webGpuPatched = true;
  Object.defineProperty(tf.backend(), "commandQueueOwnedIds", {
    configurable: true,
    get: () => IGNORING_SET,
    set() {}, // every submit sets a new one
  });
}

const IGNORING_SET = { add: () => IGNORING_SET, has: () => false };

function replaceKernel<Run>(
  kernelName: string,
  backendName: string,
  patch: (original: Run) => Run,
): void {
  const kernel = tf.getKernel(kernelName, backendName);
  if (kernel === undefined) {
    throw new Error(`Cannot repair tfjs: ${backendName} has no ${kernelName} kernel`);
  }
  tf.unregisterKernel(kernelName, backendName);
  // A kernel's type is wider than what this kernel is called with.
  const patched = patch(kernel.kernelFunc as unknown as Run);
  tf.registerKernel({ ...kernel, kernelFunc: patched as unknown as tf.KernelFunc });
}

const aliasInput: Alias = ({ inputs: { x }, backend }) => {
  backend.incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
};

/** The repair of `BatchMatMul` for webgpu. */
export function webGpuMatMul(original: MatMul): MatMul {
  return ({ inputs: { a, b }, backend, attrs }) => {
    const K = b.shape[b.shape.length - 1] ?? 0;
    if (!attrs.transposeB || K < SPLIT_K_MINIMUM) {
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

/** The repair of `BatchMatMul` for wasm. */
export function wasmMatMul(original: MatMul): MatMul {
  const plain = { transposeA: false, transposeB: false };
  return ({ inputs, backend, attrs }) => {
    const rank = inputs.a.shape.length;
    const batch = numel(inputs.a.shape.slice(0, -2));
    const { shape } = inputs.b;
    if (rank !== shape.length || batch !== numel(shape.slice(0, -2))) {
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
    if (x.dtype === "string") return original(call);
    const [begin, size] = tf.slice_util.parseSliceParams(
      x as tf.Tensor,
      attrs.begin,
      attrs.size,
    ) as [number[], number[]];
    return copySlice(x, begin, size, backend);
  };
}

function wasmSplit(original: Split): Split {
  return (call) => {
    const { inputs: { x }, backend, attrs } = call;
    if (x.dtype === "string") return original(call);
    const [axis = 0] = tf.util.parseAxisParam(attrs.axis, x.shape);
    const { numOrSizeSplits } = attrs;
    const lengths = tf.backend_util.prepareSplitSize(
      x as tf.Tensor,
      numOrSizeSplits,
      axis,
    );
    const begin = x.shape.map(() => 0);
    return lengths.map((length) => {
      const size = x.shape.with(axis, length);
      const part = copySlice(x, begin, size, backend);
      begin[axis] = (begin[axis] ?? 0) + length;
      return part;
    });
  };
}

// Copies what lies together on the heap, piece by piece.
function copySlice(
  x: tf.TensorInfo,
  begin: readonly number[],
  size: number[],
  backend: WasmHeap,
): tf.TensorInfo {
  const out = backend.makeOutput(size, x.dtype);
  const strides = [...tf.util.computeStrides(x.shape), 1];
  const first = tf.slice_util.computeFlatOffset([...begin], strides);
  // From the last axis on that is cut, elements are neighbors.
  const cutAxis = Math.max(x.shape.findLastIndex((side, i) => side !== size[i]), 0);
  const pieceSize = numel(size.slice(cutAxis));
  const pieces = numel(size.slice(0, cutAxis));
  // The result exists by now, so the heap cannot move under these views.
  const from = backend.typedArrayFromHeap(x);
  const to = backend.typedArrayFromHeap(out);
  for (let piece = 0; piece < pieces; piece++) {
    let offset = first;
    let rest = piece;
    for (let axis = cutAxis - 1; axis >= 0; axis--) {
      const side = size[axis] ?? 1;
      offset += rest % side * (strides[axis] ?? 1);
      rest = Math.floor(rest / side);
    }
    to.set(from.subarray(offset, offset + pieceSize), piece * pieceSize);
  }
  return out;
}

function transposed(x: tf.TensorInfo): tf.Tensor {
  const rank = x.shape.length;
  const order = [...Array(rank - 2).keys(), rank - 1, rank - 2];
  return tf.transpose(x as tf.Tensor, order);
}
