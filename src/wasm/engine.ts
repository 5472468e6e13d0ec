/**
 * Our own kernels in WebAssembly, on the heap of tfjs's wasm backend.
 *
 * They are written in AssemblyScript (`assembly/`) and compiled into `binaries.ts` by
 * `deno task wasm`, once with relaxed SIMD, whose fused multiply-add halves the time of
 * products, and once without, for engines that lack it.
 *
 * @module
 */
import { BASELINE, type KernelName, RELAXED } from "./binaries.ts";
import { withSharedMemory } from "./shared_memory.ts";
import {
  closeCall,
  closePool,
  CONTROL_BYTES,
  openCall,
  openControl,
  takeItems,
  type WorkerStart,
} from "./thread_pool.ts";

export type { KernelName } from "./binaries.ts";

/** The heap that the kernels work on. */
export interface Heap {
  readonly memory: WebAssembly.Memory;
  /** @throws {Error} If there is no memory left. */
  malloc(bytes: number): number;
  free(address: number): void;
}

/** Runs kernels. */
export interface WasmEngine {
  /** 1: no other thread than the caller's. */
  readonly threads: number;
  /** Whether multiply-adds are fused, by relaxed SIMD. */
  readonly relaxedSimd: boolean;
  /**
   * Computes the items 0 … items − 1 of a kernel's result, on all threads.
   *
   * @param kernel Called as f(...args, begin, end, scratch), scratch being the address of
   * {@linkcode SCRATCH_BYTES} bytes that belong to the thread.
   * @param grain Items that a thread takes at a time; by default an equal share.
   * @throws {Error} If a thread failed.
   */
  run(kernel: KernelName, args: readonly number[], items: number, grain?: number): void;
  /** Writes int32 words, such as the fields of a kernel's struct. */
  writeWords(address: number, words: readonly number[]): void;
  /** The address of memory for one operation, valid until the next call of this. */
  workspace(bytes: number): number;
  /** Ends the threads and frees the memory. */
  close(): void;
}

/** Bytes of scratch memory per thread. */
export const SCRATCH_BYTES = 2 << 20;

// So that a vector of 16 bytes never straddles two lines of the cache.
const ALIGNMENT = 64;

const NO_SPACE = { address: 0, block: 0, bytes: 0 };

// Numbers of calls are int32 and start over.
const MAX_CALLS = 2 ** 30;

/** How products are cut, see `assembly/gemm.ts`. */
export const MATRIX_TILE = { rows: 6, columns: 8, rowsAtATime: 96 } as const;

/** Channels of a map whose pixels a product gathers: so many zeros are in scratch memory. */
export const MAX_GATHERED_CHANNELS = 16_384;

let current: WasmEngine | null = null;

/** The engine in use, or null where the reference loops run. */
export function wasmEngine(): WasmEngine | null {
  return current;
}

/** Lets kernels run by an engine, or by their reference loops. */
export function useWasmEngine(engine: WasmEngine | null): void {
  current = engine;
}

/** Whether this JavaScript engine has relaxed SIMD. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(decode(RELAXED));
}

/** Starts a thread that serves calls; it lets the process end. */
export type StartThread = (start: WorkerStart) => Promise<{ terminate(): unknown }>;

/** How an engine is opened. */
export interface WasmEngineOptions {
  /**
   * Threads, the caller's among them; more than one need a shared heap.
   * @default {1}
   */
  readonly threads?: number;
  /**
   * How a further thread is started.
   * @default {Not at all}
   */
  readonly startThread?: StartThread;
  /**
   * False computes without fused multiply-adds.
   * @default {Whether this JavaScript engine has them}
   */
  readonly relaxedSimd?: boolean;
}

/**
 * Starts the kernels on a heap.
 *
 * @throws {RangeError} If there should be several threads and the heap is not shared, or
 * nothing starts them.
 */
export async function openWasmEngine(
  heap: Heap,
  { threads = 1, startThread = refuseThread, relaxedSimd = hasRelaxedSimd() }:
    WasmEngineOptions = {},
): Promise<WasmEngine> {
  const { memory } = heap;
  const isShared = !(memory.buffer instanceof ArrayBuffer);
  if (threads > 1 && !isShared) {
    throw new RangeError(`Cannot use ${threads} threads: the heap is not shared`);
  }
  const bytes = decode(relaxedSimd ? RELAXED : BASELINE);
  const module = await WebAssembly.compile(isShared ? withSharedMemory(bytes) : bytes);
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const functions = instance.exports as Record<KernelName, (...args: number[]) => void>;
  const indices = new Map(
    WebAssembly.Module.exports(module)
      .filter(({ kind }) => kind === "function")
      .map(({ name }, i) => [name, i]),
  );
  const reserved = allocate(heap, CONTROL_BYTES + threads * SCRATCH_BYTES);
  const control = openControl(memory, reserved.address);
  control.words.fill(0);
  const scratchOf = (thread: number) =>
    reserved.address + CONTROL_BYTES + thread * SCRATCH_BYTES;
  const workers = await Promise.all(
    Array.from({ length: threads - 1 }, (_, i) =>
      startThread({
        module,
        memory,
        control: reserved.address,
        scratch: scratchOf(i + 1),
      })),
  );
  let calls = 0;
  let space = NO_SPACE;
  return {
    threads,
    relaxedSimd,
    run(kernel, args, items, grain = Math.ceil(items / threads)) {
      if (items === 0) return;
      const run = functions[kernel];
      if (threads === 1 || items <= grain) {
        run(...args, 0, items, scratchOf(0));
        return;
      }
      calls = calls % MAX_CALLS + 1;
      openCall(control, calls, { kernel: indices.get(kernel) ?? 0, items, grain, args });
      try {
        takeItems(control, run, args, scratchOf(0));
      } finally {
        closeCall(control);
      }
    },
    writeWords(address, words) {
      new Int32Array(memory.buffer, address, words.length).set(words);
    },
    workspace(bytes) {
      if (bytes > space.bytes) {
        if (space.bytes > 0) heap.free(space.block);
        space = NO_SPACE; // in case there is no memory for a larger one
        space = { ...allocate(heap, bytes), bytes };
      }
      return space.address;
    },
    close() {
      if (workers.length > 0) closePool(control, workers.length);
      for (const worker of workers) worker.terminate();
      heap.free(reserved.block);
      if (space.bytes > 0) heap.free(space.block);
    },
  };
}

function allocate(heap: Heap, bytes: number): { address: number; block: number } {
  const block = heap.malloc(bytes + ALIGNMENT);
  return { block, address: Math.ceil(block / ALIGNMENT) * ALIGNMENT };
}

const refuseThread: StartThread = () => {
  throw new RangeError('Cannot use several threads: "startThread" is missing');
};

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
