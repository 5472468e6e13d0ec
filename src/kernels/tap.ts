/**
 * Where a recorder listens to the kernels of a step, and where a replay stops them.
 *
 * @module
 */
import type { Kernel } from "./kernel.ts";
import type { TensorData } from "./tfjs_webgpu.ts";

/** Uniforms by name. */
export type UniformValues = Readonly<Record<string, number>>;

/** Whoever listens. */
export interface Tap {
  /** Whether kernels are not to run, because a recording of them will. */
  readonly replaying: boolean;
  /** Takes the uniforms of a kernel that does not run. */
  restate(kernel: Kernel, uniforms: UniformValues): void;
  /** Finds a place for the uniforms of a kernel that runs. */
  bind(kernel: Kernel, uniforms: UniformValues): GPUBufferBinding;
  /** Told what a kernel writes. */
  wrote(data: TensorData): void;
}

let listening: Tap | null = null;

/** Who listens, if anybody. */
export function tap(): Tap | null {
  return listening;
}

/** Makes somebody listen, or null for nobody. */
export function listen(next: Tap | null): void {
  listening = next;
}
