/**
 * One dispatch for several tensors: a network has hundreds of small ones, and a dispatch of
 * its own for each costs more than the work on it.
 *
 * @module
 */
import * as tf from "../core/tf.ts";
import {
  defineKernel,
  type ElementType,
  type Kernel,
  type UniformType,
} from "./kernel.ts";
import { launch } from "./launch.ts";
import { WORKGROUP_SIZE } from "./shader_prelude.ts";
import { webGpuBackend } from "./tfjs_webgpu.ts";

/** Storage buffers that a multi-tensor shader may bind; WebGPU guarantees only 8. */
const MIN_STORAGE_BUFFERS = 16;

/** An element-wise kernel that updates tensors, for one tensor and for several. */
export interface MultiTensorKernel<
  U extends string,
  P extends U,
  I extends string,
  O extends string,
> {
  /** For one tensor; its invocations are the elements. */
  readonly single: Kernel<U, I, O>;
  /** For `count` tensors; see {@linkcode multiTensorKernel}. */
  readonly multi: Kernel;
  readonly count: number;
  /** Uniforms of which each tensor has its own value. */
  readonly perTensor: readonly P[];
}

/** One tensor's part of the work: its uniforms, what is read and what is updated. */
export interface TensorUpdate<P extends string, I extends string, O extends string> {
  readonly uniforms: Readonly<Record<P, number>>;
  readonly inputs: Readonly<Record<I, tf.Tensor>>;
  /** Tensors of one size. */
  readonly outputs: Readonly<Record<O, tf.Tensor>>;
}

/**
 * Makes the multi-tensor form of an element-wise kernel.
 *
 * The shader holds the text of the kernel `count` times; in the k-th the names of its
 * arrays and of the uniforms `perTensor` end in k. Tensor k has the invocations from
 * `start<k>` on, whole workgroups.
 */
export function multiTensorKernel<
  U extends string,
  const P extends U,
  I extends string,
  O extends string,
>(
  single: Kernel<U, I, O>,
  count: number,
  perTensor: readonly P[],
): MultiTensorKernel<U, P, I, O> {
  const indices = Array.from({ length: count }, (_, k) => k);
  const repeat = <T>(table: Readonly<Record<string, T>>) =>
    indexed(indices.map(() => table));
  const isPerTensor = (name: string) => perTensor.some((own) => own === name);
  const uniforms = Object.entries<UniformType>(single.uniforms);
  const arrays = [...Object.keys(single.inputs), ...Object.keys(single.outputs)];
  const bodies = indices.map((k) =>
    (single.shader ?? "").replace(
      /(\buniforms\.)?\b(\w+)\b/g,
      (word: string, prefix: string | undefined, name: string) => {
        const isOwn = prefix === undefined
          ? name === "compute" || arrays.includes(name)
          : isPerTensor(name);
        return isOwn ? `${word}${k}` : word;
      },
    )
  );
  const calls = indices.map((k) =>
    `  if (i - uniforms.start${k} < uniforms.size${k}) {
    compute${k}(i - uniforms.start${k});
  }
`
  );
  const multi = defineKernel<string, string, string>({
    name: `${single.name}X${count}`,
    uniforms: {
      ...repeat<UniformType>({ start: "u32", size: "u32" }),
      ...repeat(Object.fromEntries(uniforms.filter(([name]) => isPerTensor(name)))),
      ...Object.fromEntries(uniforms.filter(([name]) => !isPerTensor(name))),
    },
    inputs: repeat<ElementType>(single.inputs),
    outputs: repeat<ElementType>(single.outputs),
    shader: `${bodies.join("\n")}\nfn compute(i: u32) {\n${calls.join("")}}\n`,
  });
  return { single, multi, count, perTensor };
}

/**
 * Updates tensors, `count` at a time where the device can bind so many.
 *
 * @param shared Uniforms that all tensors have in common.
 */
export function launchMultiTensor<
  U extends string,
  P extends U,
  I extends string,
  O extends string,
>(
  { single, multi, count }: MultiTensorKernel<U, P, I, O>,
  updates: readonly TensorUpdate<NoInfer<P>, NoInfer<I>, NoInfer<O>>[],
  shared: Readonly<Record<Exclude<U, P>, number>>,
): void {
  const grouped = supportsMultiTensor() ? updates.length - updates.length % count : 0;
  for (let first = 0; first < grouped; first += count) {
    const group = updates.slice(first, first + count);
    let invocations = 0;
    const layout = group.map((update) => {
      const start = invocations;
      const size = sizeOf(update);
      invocations += Math.ceil(size / WORKGROUP_SIZE) * WORKGROUP_SIZE;
      return { start, size };
    });
    const uniforms = group.map((update, k) => ({ ...update.uniforms, ...layout[k] }));
    launch(multi, {
      uniforms: { ...indexed(uniforms), ...shared },
      inputs: indexed(group.map(({ inputs }) => inputs)),
      outputs: indexed(group.map(({ outputs }) => outputs)),
      invocations,
    });
  }
  for (const update of updates.slice(grouped)) {
    const uniforms = { ...update.uniforms, ...shared } as Record<U, number>;
    launch(single, { ...update, uniforms });
  }
}

function sizeOf({ outputs }: TensorUpdate<string, string, string>): number {
  return Object.values(outputs)[0]?.size ?? 0;
}

/** All entries of the records in one; the names of the k-th end in k. */
function indexed<T>(records: readonly Readonly<Record<string, T>>[]): Record<string, T> {
  return Object.fromEntries(
    records.flatMap((record, k) =>
      Object.entries(record).map(([name, value]) => [`${name}${k}`, value])
    ),
  );
}

function supportsMultiTensor(): boolean {
  return tf.getBackend() === "webgpu" &&
    webGpuBackend().device.limits.maxStorageBuffersPerShaderStage >= MIN_STORAGE_BUFFERS;
}
