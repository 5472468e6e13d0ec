/**
 * The uniforms of a recorded step, many to a buffer: those that stay as they were, equal
 * ones once, and those that every replay writes anew.
 *
 * @module
 */
import type { UniformValues } from "./tap.ts";
import { packInto, packUniforms, type UniformFields } from "./uniforms.ts";

/** What WebGPU grants everywhere as the alignment of a binding. */
const ALIGNMENT = 256;
const BLOCK = 1024 * ALIGNMENT;

/** A place that replays write. */
export interface UniformSlot {
  /** Where a kernel finds it. */
  readonly binding: GPUBufferBinding;
  /** Its contents on the host. */
  readonly view: DataView<ArrayBuffer>;
  /** Its first byte there. */
  readonly offset: number;
}

/** The uniforms of one recording. */
export interface StepUniforms {
  /** Bytes on the device. */
  readonly bytes: number;
  /** A place for bytes that stay. */
  constant(bytes: ArrayBuffer, key: string): GPUBufferBinding;
  /** A place for a struct that changes, with its first values. */
  changing(fields: UniformFields, values: UniformValues): UniformSlot;
  /** Sends the contents of all places that change. */
  send(): void;
  /** Frees the memory. */
  destroy(): void;
}

interface Block {
  readonly buffer: GPUBuffer;
  readonly view: DataView<ArrayBuffer>;
  used: number;
}

/** Equal contents have equal keys, others have others. */
export function keyOf(bytes: ArrayBuffer): string {
  return new Uint32Array(bytes).join();
}

/** Makes room for the uniforms of a recording. */
export function stepUniforms(device: GPUDevice): StepUniforms {
  const constants = new Map<string, GPUBufferBinding>();
  const [fixed, moving]: [Block[], Block[]] = [[], []];

  const place = (blocks: Block[], size: number) => {
    let block = blocks[blocks.length - 1];
    if (block === undefined || block.used + size > BLOCK) {
      const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
      const buffer = device.createBuffer({ size: BLOCK, usage, label: "step uniforms" });
      block = { buffer, view: new DataView(new ArrayBuffer(BLOCK)), used: 0 };
      blocks.push(block);
    }
    const offset = block.used;
    block.used += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    return { block, offset, binding: { buffer: block.buffer, offset, size } };
  };

  return {
    get bytes() {
      return (fixed.length + moving.length) * BLOCK;
    },
    constant(bytes, key) {
      const known = constants.get(key);
      if (known !== undefined) return known;
      const { binding } = place(fixed, bytes.byteLength);
      device.queue.writeBuffer(binding.buffer, binding.offset, bytes);
      constants.set(key, binding);
      return binding;
    },
    changing(fields, values) {
      const bytes = packUniforms(fields, values);
      const { block, offset, binding } = place(moving, bytes.byteLength);
      device.queue.writeBuffer(binding.buffer, offset, bytes);
      packInto(block.view, offset, fields, values);
      return { binding, view: block.view, offset };
    },
    send() {
      for (const { buffer, view, used } of moving) {
        device.queue.writeBuffer(buffer, 0, view.buffer, 0, used);
      }
    },
    destroy() {
      for (const { buffer } of [...fixed, ...moving]) buffer.destroy();
    },
  };
}
