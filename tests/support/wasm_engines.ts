/** Our WebAssembly kernels against the reference loops. @module */
import assert from "node:assert/strict";
import { openBackend, readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { BASELINE, type KernelName, RELAXED } from "../../src/wasm/binaries.ts";
import {
  type Heap,
  openWasmEngine,
  SCRATCH_BYTES,
  useWasmEngine,
  type WasmEngine,
  wasmEngine,
} from "../../src/wasm/engine.ts";
import { assertClose } from "./compare.ts";

type Values = Float32Array | Int32Array;

/** Computes some tensors; they are freed. */
export type Computation = () => tf.Tensor | readonly tf.Tensor[];

/**
 * Registers a test that the WebAssembly kernels of a computation compute what its reference
 * loops do, with fused multiply-adds and without, and that their bits do not change when
 * every item is computed by itself, as threads may.
 *
 * @param cases By a name for the error.
 */
export function testWasmKernels(
  name: string,
  cases: Readonly<Record<string, Computation>>,
  tolerance: number,
): void {
  Deno.test(`${name} in WebAssembly matches the reference loops`, async () => {
    await openBackend("wasm");
    const inUse = wasmEngine();
    const compute = async (engine: WasmEngine | null, computation: Computation) => {
      useWasmEngine(engine);
      const tensors = [computation()].flat();
      const values = await Promise.all(tensors.map(readBack));
      tf.dispose(tensors);
      return values;
    };
    try {
      for (const relaxedSimd of [true, false]) {
        const heap = heapOfBackend();
        const engine = await openWasmEngine(heap, { relaxedSimd });
        const splitting = await openSplittingEngine(heap, relaxedSimd);
        for (const [label, computation] of Object.entries(cases)) {
          const expected = await compute(null, computation);
          const found = await compute(engine, computation);
          const split = await compute(splitting, computation);
          for (const [i, values] of found.entries()) {
            const of = `${name}, ${label}, result ${i}, relaxed SIMD: ${relaxedSimd}`;
            const [some, others] = [values, expected[i] ?? values];
            assert.deepEqual(nonFinite(some), nonFinite(others), of);
            await assertClose(finite(some), finite(others), tolerance, of);
            assert.deepEqual(bitsOf(split[i]), bitsOf(values), of);
          }
        }
        engine.close();
        splitting.close();
      }
    } finally {
      useWasmEngine(inUse);
    }
  });
}

function bitsOf(values: Values = new Int32Array()): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length);
}

/** Where NaN and infinities are. */
function nonFinite(values: Values): [index: number, value: number][] {
  return Array.from(values, (value, i): [number, number] => [i, value])
    .filter(([, value]) => !Number.isFinite(value));
}

function finite(values: Values): number[] {
  return Array.from(values, (value) => Number.isFinite(value) ? value : 0);
}

/** The heap of the wasm backend of tfjs, by private members of 4.22.0. */
export function heapOfBackend(): Heap {
  const { wasm } = tf.backend() as unknown as {
    wasm: {
      asm: { memory: WebAssembly.Memory };
      _malloc(bytes: number): number;
      _free(address: number): void;
    };
  };
  return {
    memory: wasm.asm.memory,
    malloc: (bytes) => wasm._malloc(bytes) >>> 0,
    free: (address) => wasm._free(address),
  };
}

// Computes the items one by one, the last first, and leaves nothing in between in scratch
// memory.
async function openSplittingEngine(
  heap: Heap,
  relaxedSimd: boolean,
): Promise<WasmEngine> {
  const base64 = atob(relaxedSimd ? RELAXED : BASELINE);
  const bytes = Uint8Array.from(base64, (character) => character.charCodeAt(0));
  const { instance } = await WebAssembly.instantiate(bytes, {
    env: { memory: heap.memory },
  });
  const kernels = instance.exports as Record<KernelName, (...args: number[]) => void>;
  const scratch = heap.malloc(SCRATCH_BYTES);
  const blocks: number[] = [];
  return {
    threads: 1,
    relaxedSimd,
    run(kernel, args, items) {
      for (let item = items - 1; item >= 0; item--) {
        new Uint8Array(heap.memory.buffer, scratch, SCRATCH_BYTES).fill(0xff); // NaN
        kernels[kernel](...args, item, item + 1, scratch);
      }
    },
    writeWords: (address, words) => {
      new Int32Array(heap.memory.buffer, address, words.length).set(words);
    },
    workspace(bytes) {
      const block = heap.malloc(bytes + 64);
      blocks.push(block);
      return Math.ceil(block / 64) * 64;
    },
    close: () => [scratch, ...blocks].forEach(heap.free),
  };
}
