/** TensorFlow.js's wasm backend, on whose heap our kernels work. @module */
import { setWasmPaths } from "npm:@tensorflow/tfjs-backend-wasm@4.22.0";
import type { Heap } from "../wasm/engine.ts";
import { withSharedMemory } from "../wasm/shared_memory.ts";
import * as tf from "./tf.ts";
import { patchWasm } from "./tfjs_patches.ts";

// Private members of the wasm backend.
interface WasmBackend {
  readonly wasm: {
    readonly asm: { readonly memory: WebAssembly.Memory };
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
}

/**
 * Starts tfjs's build for one thread, whose memory other threads can be given: its own
 * build for several starts workers that Deno does not have, and computes the same.
 *
 * @param isShared Whether other threads are to be given its memory.
 * @returns Its heap; null if its module cannot be loaded.
 */
export async function startWasm(isShared: boolean): Promise<Heap | null> {
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  const { instantiate } = WebAssembly;
  if (isShared) {
    WebAssembly.instantiate = ((module: Uint8Array, imports?: WebAssembly.Imports) => {
      WebAssembly.instantiate = instantiate; // only the first module is tfjs's
      return instantiate(withSharedMemory(module), imports);
    }) as typeof instantiate;
  }
  try {
    if (!await tf.setBackend("wasm")) return null;
  } finally {
    WebAssembly.instantiate = instantiate;
  }
  patchWasm();
  const { wasm: module } = tf.backend() as unknown as WasmBackend;
  return {
    memory: module.asm.memory,
    malloc: (bytes) => module._malloc(bytes) >>> 0,
    free: (address) => module._free(address),
  };
}

const BUILDS = [
  "tfjs-backend-wasm.wasm",
  "tfjs-backend-wasm-simd.wasm",
  "tfjs-backend-wasm-threaded-simd.wasm",
] as const;

/**
 * Lets the backend take its module from the bundle that this is a part of, so that a page
 * has no second file to find.
 */
export async function useBundledModule(): Promise<void> {
  const { default: module } = await import(
    "npm:@tensorflow/tfjs-backend-wasm@4.22.0/dist/tfjs-backend-wasm-simd.wasm",
    { with: { type: "bytes" } }
  );
  const url = URL.createObjectURL(new Blob([module], { type: "application/wasm" }));
  // It asks for a place of each of its builds, and loads one.
  setWasmPaths(Object.fromEntries(BUILDS.map((name) => [name, url])));
}
