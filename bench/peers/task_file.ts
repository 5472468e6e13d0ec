/** The file that comes with a task. @module */
import type { HostTensor } from "../../src/core/host_tensor.ts";
import { writeAtomic } from "../../src/io/write_atomic.ts";
import { safetensorsChunks } from "../../src/weights/safetensors.ts";
import { readSafetensors } from "../../src/weights/safetensors_file.ts";
import { relativeDifference } from "./work.ts";

/** Tensors by name, all of float32 but for labels and counters. */
export type TaskTensors = ReadonlyMap<string, HostTensor>;

/** Reads the file. */
export async function readTaskFile(path: string): Promise<TaskTensors> {
  return (await readSafetensors(path)).tensors;
}

/** Writes the file. */
export async function writeTaskFile(path: string, tensors: TaskTensors): Promise<void> {
  await writeAtomic(path, safetensorsChunks(tensors), { isDurable: false });
}

/** The values of a tensor of float32. @throws {RangeError} If there is none. */
export function valuesOf(tensors: TaskTensors, name: string): Float32Array<ArrayBuffer> {
  const tensor = tensors.get(name);
  if (tensor !== undefined) return new Float32Array(tensor.bytes.slice().buffer);
  throw new RangeError(`Cannot read "${name}": the file of the task has no such tensor`);
}

/** How far an output is from that of the file. */
export function outputDifference(tensors: TaskTensors, output: Float32Array): number {
  return relativeDifference(output, valuesOf(tensors, "output"));
}
