/**
 * Repairs of tfjs 4.22.0 kernels that are wrong or needlessly slow.
 *
 * - webgpu `BatchMatMul` with `transposeB` is garbage on its split-K path (batch 1,
 *   K ≥ 2000, few output tiles): its vec4 variant forgets the transposition.
 * - wasm `BatchMatMul` is fast only for one plain two-dimensional product (XNNPACK);
 *   transposed and batched products take a naive path that is 5–10 times slower.
 *
 * @module
 */
import * as tf from "./tf.ts";

type MatMulArguments = {
  inputs: { a: tf.TensorInfo; b: tf.TensorInfo };
  backend: unknown;
  attrs: { transposeA: boolean; transposeB: boolean };
};
type MatMul = (args: MatMulArguments) => tf.TensorInfo;

// K from which tfjs may choose split-K (backend-webgpu, BatchMatMul_impl).
const SPLIT_K_FROM = 2000;

let wasmPatched = false;
let webGpuPatched = false;

/** Installs the wasm repairs, once. */
export function patchWasm(): void {
  if (wasmPatched) return;
  wasmPatched = true;
  replaceMatMul("wasm", wasmMatMul);
}

/** Installs the webgpu repairs, once. */
export function patchWebGpu(): void {
  if (webGpuPatched) return;
  webGpuPatched = true;
  replaceMatMul("webgpu", webGpuMatMul);
}

function replaceMatMul(backendName: string, wrap: (original: MatMul) => MatMul): void {
  const kernel = tf.getKernel("BatchMatMul", backendName);
  if (kernel === undefined) {
    throw new Error(`Cannot repair tfjs: ${backendName} has no BatchMatMul kernel`);
  }
  tf.unregisterKernel("BatchMatMul", backendName);
  // A kernel's type is wider than what this kernel is called with.
  const patched = wrap(kernel.kernelFunc as unknown as MatMul);
  tf.registerKernel({ ...kernel, kernelFunc: patched as unknown as tf.KernelFunc });
}

function webGpuMatMul(original: MatMul): MatMul {
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

function wasmMatMul(original: MatMul): MatMul {
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
      const as = tf.unstack(tf.reshape(a, [batch, M, K]));
      const bs = tf.unstack(tf.reshape(b, [batch, K, N]));
      const products = as.map((one, i) => multiply(one, bs[i] ?? one)); // [M, N] each
      return tf.reshape(tf.stack(products), [...a.shape.slice(0, -2), M, N]);
    });
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
