/** Pipelines of kernels, compiled when they are first needed or before. @module */
import type { Kernel } from "./kernel.ts";
import { FIRST_GROUP_CONSTANT, shaderSource } from "./shader_prelude.ts";
import { webGpuBackend } from "./tfjs_webgpu.ts";

const pipelines = new WeakMap<GPUDevice, Map<string, GPUComputePipeline>>();
/** The pipeline of the same kernel that begins at another workgroup. */
const parts = new WeakMap<
  GPUComputePipeline,
  (firstGroup: number) => GPUComputePipeline
>();

/** The pipeline of a kernel, which is compiled where it is not yet. */
export function pipelineOf(device: GPUDevice, kernel: Kernel): GPUComputePipeline {
  const cached = pipelinesOf(device).get(kernel.name);
  if (cached !== undefined) return cached;
  const describe = pipelineDescriptor(device, kernel);
  return keepPipeline(
    device,
    kernel,
    device.createComputePipeline(describe(0)),
    describe,
  );
}

/** A kernel that a driver does not compile. */
export interface KernelRefusal {
  /** Its name. */
  readonly kernel: string;
  /** What the driver says. */
  readonly reason: string;
}

/**
 * Compiles the pipelines of kernels that have none yet, one after another.
 *
 * @param onProgress Called after each.
 * @returns The kernels that the driver refuses.
 */
export async function compileKernels(
  kernels: Iterable<Kernel>,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<KernelRefusal[]> {
  const { device } = webGpuBackend();
  const compiled = pipelinesOf(device);
  const missing = [...kernels].filter(({ name }) => !compiled.has(name));
  const refusals: KernelRefusal[] = [];
  let isLost = false;
  device.lost.then(() => isLost = true);
  for (const [i, kernel] of missing.entries()) {
    device.pushErrorScope("validation");
    device.pushErrorScope("internal");
    const describe = pipelineDescriptor(device, kernel);
    const pipeline = await device.createComputePipelineAsync(describe(0))
      .catch((error: Error) => error);
    const errors = [await device.popErrorScope(), await device.popErrorScope()];
    const error = errors.find((error) => error !== null) ?? pipeline;
    await new Promise((resolve) => setTimeout(resolve)); // a loss is told a moment later
    if (isLost) {
      return [...refusals, { kernel: kernel.name, reason: "the GPU was lost over it" }];
    }
    if (error instanceof GPUComputePipeline) {
      keepPipeline(device, kernel, error, describe);
    } else refusals.push({ kernel: kernel.name, reason: error.message.trim() });
    onProgress(i + 1, missing.length);
  }
  return refusals;
}

/** The names of the kernels that the device in use has pipelines of. */
export function compiledKernels(): string[] {
  return [...pipelinesOf(webGpuBackend().device).keys()];
}

/**
 * The pipeline that runs the part of a grid from a workgroup on; it takes the same bind
 * groups.
 *
 * @returns Null if the pipeline is none of ours, but tfjs's.
 */
export function partOfPipeline(
  pipeline: GPUComputePipeline,
  firstGroup: number,
): GPUComputePipeline | null {
  return firstGroup === 0 && parts.has(pipeline)
    ? pipeline
    : parts.get(pipeline)?.(firstGroup) ?? null;
}

function pipelinesOf(device: GPUDevice): Map<string, GPUComputePipeline> {
  const devicePipelines = pipelines.get(device) ?? new Map<string, GPUComputePipeline>();
  pipelines.set(device, devicePipelines);
  return devicePipelines;
}

function keepPipeline(
  device: GPUDevice,
  { name }: Kernel,
  pipeline: GPUComputePipeline,
  describe: (firstGroup: number) => GPUComputePipelineDescriptor,
): GPUComputePipeline {
  pipelinesOf(device).set(name, pipeline);
  parts.set(pipeline, (firstGroup) => device.createComputePipeline(describe(firstGroup)));
  return pipeline;
}

/**
 * How a kernel is compiled, from a workgroup on. The layout is written out: parts of a
 * kernel share it, and with it the bind groups.
 */
export function pipelineDescriptor(
  device: GPUDevice,
  kernel: Kernel,
): (firstGroup: number) => GPUComputePipelineDescriptor {
  const { name, shader = "", constants } = kernel;
  const types: GPUBufferBindingType[] = [
    "uniform",
    ...Object.keys(kernel.inputs).map(() => "read-only-storage" as const),
    ...Object.keys(kernel.outputs).map(() => "storage" as const),
  ];
  const group = device.createBindGroupLayout({
    label: name,
    entries: types.map((type, binding) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type },
    })),
  });
  const layout = device.createPipelineLayout({ bindGroupLayouts: [group] });
  const module = device.createShaderModule({
    code: shaderSource(kernel, shader),
    label: name,
  });
  return (firstGroup) => ({
    label: name,
    layout,
    compute: {
      module,
      entryPoint: "main",
      constants: { ...constants, [FIRST_GROUP_CONSTANT]: firstGroup },
    },
  });
}

/** The kernels of dry runs, while they are collected. */
export let collected: Set<Kernel> | null = null;

/** The kernels with a shader that dry runs in `run` would run. */
export async function collectKernels<R>(
  run: () => Promise<R>,
): Promise<{ readonly result: R; readonly kernels: readonly Kernel[] }> {
  const all = collected = new Set<Kernel>();
  try {
    const result = await run();
    return { result, kernels: [...all].filter(({ shader }) => shader !== undefined) };
  } finally {
    collected = null;
  }
}
