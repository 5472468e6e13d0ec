/**
 * The uniforms of a recorded step, many to a buffer: constants, equal ones once, and
 * structs that every replay writes anew.
 *
 * @module
 */
import type { Kernel } from "./kernel.ts";
import { packUniforms, packUniformsInto, type UniformValues } from "./uniforms.ts";

/** What WebGPU guarantees as the alignment of a uniform binding, in bytes. */
const ALIGNMENT = 256;
const BLOCK_BYTES = 1024 * ALIGNMENT;

/** A struct that replays write. */
export interface UniformSlot {
  /** Where a kernel finds it. */
  readonly binding: GPUBufferBinding;
  /** Its contents on the host. */
  readonly view: DataView<ArrayBuffer>;
  /** Its first byte in `view`. */
  readonly offset: number;
}

/** The uniforms of one recording. */
export interface StepUniforms {
  /** Bytes on the device. */
  readonly bytes: number;
  /** Stores bytes that stay the same, once for each `key`. */
  constant(bytes: ArrayBuffer, key: string): GPUBufferBinding;
  /** Stores a struct that changes, with its first values. */
  dynamic(kernel: Kernel, values: UniformValues): UniformSlot;
  /** Sends all structs that change to the device. */
  uploadDynamic(): void;
  /** Frees the memory. */
  destroy(): void;
}

interface UniformBlock {
  readonly buffer: GPUBuffer;
  readonly view: DataView<ArrayBuffer>;
  used: number;
}

/** A key that is equal for equal contents only. */
export function contentKeyOf(bytes: ArrayBuffer): string {
  return new Uint32Array(bytes).join();
}

/** Makes room for the uniforms of a recording. */
export function createStepUniforms(device: GPUDevice): StepUniforms {
  const constants = new Map<string, GPUBufferBinding>();
  const [constantBlocks, dynamicBlocks]: [UniformBlock[], UniformBlock[]] = [[], []];

  const allocate = (blocks: UniformBlock[], size: number) => {
    let block = blocks[blocks.length - 1];
    if (block === undefined || block.used + size > BLOCK_BYTES) {
      const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
      const label = "step uniforms";
      const buffer = device.createBuffer({ size: BLOCK_BYTES, usage, label });
      block = { buffer, view: new DataView(new ArrayBuffer(BLOCK_BYTES)), used: 0 };
      blocks.push(block);
    }
    const offset = block.used;
    block.used += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    return { block, offset, binding: { buffer: block.buffer, offset, size } };
  };

  return {
    get bytes() {
      return (constantBlocks.length + dynamicBlocks.length) * BLOCK_BYTES;
    },
    constant(bytes, key) {
      const cached = constants.get(key);
      if (cached !== undefined) return cached;
      const { binding } = allocate(constantBlocks, bytes.byteLength);
      device.queue.writeBuffer(binding.buffer, binding.offset, bytes);
      constants.set(key, binding);
      return binding;
    },
    dynamic(kernel, values) {
      const bytes = packUniforms(kernel, values);
      const { block, offset, binding } = allocate(dynamicBlocks, bytes.byteLength);
      device.queue.writeBuffer(binding.buffer, offset, bytes);
      packUniformsInto(block.view, offset, kernel, values);
      return { binding, view: block.view, offset };
    },
    uploadDynamic() {
      for (const { buffer, view, used } of dynamicBlocks) {
        device.queue.writeBuffer(buffer, 0, view.buffer, 0, used);
      }
    },
    destroy() {
      for (const { buffer } of [...constantBlocks, ...dynamicBlocks]) buffer.destroy();
    },
  };
}
