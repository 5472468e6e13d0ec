/**
 * Device memory of recorded steps: nothing else may write into a buffer that a recording
 * writes into, so these never mix with the backend's own.
 *
 * @module
 */
import type { BufferManager } from "./tfjs_webgpu.ts";

/** Buffers that recordings share: they run one after another. */
export interface StepBuffers {
  /** Bytes on the device. */
  readonly bytes: number;
  /** Starts a recording, which from now on gets all buffers of the backend. */
  begin(): BufferLease;
  /** Destroys what is free; buffers in use follow when they are released. */
  destroy(): void;
}

/** The buffers that one recording was given. */
export interface BufferLease {
  /** Whether a buffer was given out here. */
  has(buffer: GPUBuffer): boolean;
  /** Keeps a buffer from serving others, though its tensor will be released. */
  keep(buffer: GPUBuffer): void;
  /** Told of every release of a buffer that was there before. */
  onForeign: (() => void) | null;
  /** Lets the backend have its own buffers again. */
  end(): void;
  /** Destroys constants and kept buffers; ordinary buffers serve the next recording. */
  release(): void;
}

// Buffers that serve one recording alone: constants, which are written once, and results.
type Reserved = { readonly by: object; state: "used" | "free" | "forgotten" };

/** Takes over the releases of a backend's buffers; @returns what recordings share. */
export function stepBuffers(device: GPUDevice, manager: BufferManager): StepBuffers {
  const all = new Set<GPUBuffer>();
  const reserved = new Map<GPUBuffer, Reserved>();
  const free = new Map<string, GPUBuffer[]>();
  let lease: Pick<BufferLease, "has" | "onForeign"> | null = null;
  let destroyed = false;
  let bytes = 0;
  const { acquireBuffer, releaseBuffer } = manager;

  const make = (size: number, usage: number, mappedAtCreation: boolean) => {
    const buffer = device.createBuffer({ size, usage, mappedAtCreation });
    all.add(buffer);
    bytes += size;
    return buffer;
  };
  const drop = (buffer: GPUBuffer) => {
    all.delete(buffer);
    reserved.delete(buffer);
    bytes -= buffer.size;
    buffer.destroy();
  };
  const freeLike = ({ size, usage }: { size: number; usage: number }) => {
    const key = `${size}_${usage}`;
    const list = free.get(key) ?? [];
    free.set(key, list);
    return list;
  };

  // A tensor that a recording made may be released long after it.
  manager.releaseBuffer = (buffer, reuse) => {
    if (lease !== null && !lease.has(buffer)) lease.onForeign?.();
    if (!all.has(buffer)) return releaseBuffer.call(manager, buffer, reuse);
    const one = reserved.get(buffer);
    if (one?.state === "used") one.state = "free";
    else if (one?.state === "forgotten" || destroyed) drop(buffer);
    else freeLike(buffer).push(buffer);
  };

  return {
    get bytes() {
      return bytes;
    },
    begin() {
      const given = new Set<GPUBuffer>();
      const own: BufferLease = {
        onForeign: null,
        has: (buffer) => given.has(buffer),
        keep: (buffer) => void reserved.set(buffer, { by: own, state: "used" }),
        end() {
          lease = null;
          manager.acquireBuffer = acquireBuffer;
        },
        release() {
          for (const [buffer, one] of reserved) {
            if (one.by !== own) continue;
            if (one.state === "free") drop(buffer);
            else one.state = "forgotten";
          }
        },
      };
      lease = own;
      manager.acquireBuffer = (size, usage, mapped = false) => {
        const buffer = (mapped ? undefined : freeLike({ size, usage }).pop()) ??
          make(size, usage, mapped);
        given.add(buffer);
        if (mapped) own.keep(buffer);
        return buffer;
      };
      return own;
    },
    destroy() {
      destroyed = true;
      for (const buffer of [...free.values()].flat()) drop(buffer);
      free.clear();
    },
  };
}
