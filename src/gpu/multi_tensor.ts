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
  type Operand,
  type UniformType,
} from "./kernel.ts";
import { launch } from "./launch.ts";
import { WORKGROUP_SIZE } from "./shader_prelude.ts";
import { webGpuBackend } from "./tfjs_webgpu.ts";

/** An element-wise kernel that updates tensors, for one tensor and for several. */
export interface MultiTensorKernel<
  U extends string,
  P extends U,
  I extends string,
  O extends string,
> {
  /** For one tensor; its invocations are the elements. */
  readonly single: Kernel<U, I, O>;
  /** For several tensors, most first. */
  readonly groups: readonly TensorGroup[];
  /** Uniforms of which each tensor has its own value. */
  readonly perTensor: readonly P[];
}

/** One dispatch for `count` tensors, which bind `buffers` in all. */
export interface TensorGroup {
  readonly kernel: Kernel;
  readonly count: number;
  readonly buffers: number;
}

/** One tensor's part of the work: its uniforms, what is read and what is updated. */
export interface TensorUpdate<P extends string, I extends string, O extends string> {
  readonly uniforms: Readonly<Record<P, number>>;
  readonly inputs: Readonly<Record<I, tf.Tensor>>;
  /** Of one size, tensors or parts of one. */
  readonly outputs: Readonly<Record<O, Operand>>;
}

/**
 * Makes the multi-tensor forms of an element-wise kernel.
 *
 * @param counts Of tensors: one for devices that bind 16 buffers, and one for those that
 * bind the 8 that WebGPU guarantees.
 */
export function multiTensorKernel<
  U extends string,
  const P extends U,
  I extends string,
  O extends string,
>(
  single: Kernel<U, I, O>,
  counts: readonly number[],
  perTensor: readonly P[],
): MultiTensorKernel<U, P, I, O> {
  const buffers = Object.keys({ ...single.inputs, ...single.outputs }).length;
  const groups = counts.map((count) => ({
    kernel: multiKernel(single, count, perTensor),
    count,
    buffers: count * buffers,
  }));
  return { single, groups, perTensor };
}

// The shader holds the text of the kernel `count` times; in the k-th the names of its
// arrays and of the uniforms `perTensor` end in k. Tensor k has the invocations from
// `start<k>` on, whole workgroups.
function multiKernel(
  single: Kernel,
  count: number,
  perTensor: readonly string[],
): Kernel {
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
  return defineKernel<string, string, string>({
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
}

/**
 * Updates tensors, as many at a time as the device can bind.
 *
 * @param shared Uniforms that all tensors have in common.
 */
export function launchMultiTensor<
  U extends string,
  P extends U,
  I extends string,
  O extends string,
>(
  { single, groups }: MultiTensorKernel<U, P, I, O>,
  updates: readonly TensorUpdate<NoInfer<P>, NoInfer<I>, NoInfer<O>>[],
  shared: Readonly<Record<Exclude<U, P>, number>>,
): void {
  const limit = maxStorageBuffers();
  const usable = groups.filter(({ buffers }) => buffers <= limit);
  let rest = updates;
  for (;;) {
    const next = usable.find(({ count }) => count <= rest.length);
    if (next === undefined) break;
    const group = rest.slice(0, next.count);
    rest = rest.slice(next.count);
    let invocations = 0;
    const layout = group.map((update) => {
      const start = invocations;
      const size = sizeOf(update);
      invocations += Math.ceil(size / WORKGROUP_SIZE) * WORKGROUP_SIZE;
      return { start, size };
    });
    const uniforms = group.map((update, k) => ({ ...update.uniforms, ...layout[k] }));
    launch(next.kernel, {
      uniforms: { ...indexed(uniforms), ...shared },
      inputs: indexed(group.map(({ inputs }) => inputs)),
      outputs: indexed(group.map(({ outputs }) => outputs)),
      invocations,
    });
  }
  for (const update of rest) {
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

// None but on webgpu: elsewhere a call costs nothing.
function maxStorageBuffers(): number {
  if (tf.getBackend() !== "webgpu") return 0;
  return webGpuBackend().device.limits.maxStorageBuffersPerShaderStage;
}
