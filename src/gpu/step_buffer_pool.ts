/**
 * Device memory of recorded steps: nothing else may write into a buffer that a recording
 * writes into, so these never mix with the backend's own.
 *
 * @module
 */
import type { BufferManager } from "./tfjs_webgpu.ts";

/** Buffers that recordings share: they run one after another. */
export interface StepBufferPool {
  /** Bytes on the device. */
  readonly bytes: number;
  /** Starts a recording: the backend takes all its buffers from here until it ends. */
  beginRecording(): BufferLease;
  /** Destroys what is free; buffers in use follow when they are released. */
  destroy(): void;
}

/** The buffers of one recording. */
export interface BufferLease {
  /** Whether this recording was given the buffer. */
  has(buffer: GPUBuffer): boolean;
  /** Keeps a buffer for this recording alone, even when its tensor is released. */
  reserve(buffer: GPUBuffer): void;
  /** Called when a buffer from before the recording is released. */
  onForeignRelease: (() => void) | null;
  /** Gives the backend its own buffers again. */
  endRecording(): void;
  /** Destroys constants and reserved buffers; the others serve the next recording. */
  release(): void;
}

// Buffers that serve one recording alone: constants, which are written once, and results.
type Reservation = { readonly owner: object; state: "used" | "free" | "forgotten" };

/** Makes the pool; it takes over how the backend releases buffers. */
export function createStepBufferPool(
  device: GPUDevice,
  manager: BufferManager,
): StepBufferPool {
  const all = new Set<GPUBuffer>();
  const reserved = new Map<GPUBuffer, Reservation>();
  const free = new Map<string, GPUBuffer[]>();
  let activeLease: Pick<BufferLease, "has" | "onForeignRelease"> | null = null;
  let destroyed = false;
  let bytes = 0;
  const { acquireBuffer, releaseBuffer } = manager;

  const createBuffer = (size: number, usage: number, mappedAtCreation: boolean) => {
    const buffer = device.createBuffer({ size, usage, mappedAtCreation });
    all.add(buffer);
    bytes += size;
    return buffer;
  };
  const destroyBuffer = (buffer: GPUBuffer) => {
    all.delete(buffer);
    reserved.delete(buffer);
    bytes -= buffer.size;
    buffer.destroy();
  };
  const freeListFor = ({ size, usage }: { size: number; usage: number }) => {
    const key = `${size}_${usage}`;
    const list = free.get(key) ?? [];
    free.set(key, list);
    return list;
  };

  // A tensor that a recording made may be released long after it.
  manager.releaseBuffer = (buffer, reuse) => {
    if (activeLease !== null && !activeLease.has(buffer)) {
      activeLease.onForeignRelease?.();
    }
    if (!all.has(buffer)) return releaseBuffer.call(manager, buffer, reuse);
    const reservation = reserved.get(buffer);
    if (reservation?.state === "used") reservation.state = "free";
    else if (reservation?.state === "forgotten" || destroyed) destroyBuffer(buffer);
    else freeListFor(buffer).push(buffer);
  };

  return {
    get bytes() {
      return bytes;
    },
    beginRecording() {
      const leased = new Set<GPUBuffer>();
      const newLease: BufferLease = {
        onForeignRelease: null,
        has: (buffer) => leased.has(buffer),
        reserve: (buffer) =>
          void reserved.set(buffer, { owner: newLease, state: "used" }),
        endRecording() {
          activeLease = null;
          manager.acquireBuffer = acquireBuffer;
        },
        release() {
          for (const [buffer, reservation] of reserved) {
            if (reservation.owner !== newLease) continue;
            if (reservation.state === "free") destroyBuffer(buffer);
            else reservation.state = "forgotten";
          }
        },
      };
      activeLease = newLease;
      manager.acquireBuffer = (size, usage, mapped = false) => {
        const buffer = (mapped ? undefined : freeListFor({ size, usage }).pop()) ??
          createBuffer(size, usage, mapped);
        leased.add(buffer);
        if (mapped) newLease.reserve(buffer);
        return buffer;
      };
      return newLease;
    },
    destroy() {
      destroyed = true;
      for (const buffer of [...free.values()].flat()) destroyBuffer(buffer);
      free.clear();
    },
  };
}
