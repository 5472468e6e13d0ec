/** The backend in a page: a GPU by WebGPU, else the CPU by WebAssembly. @module */
import { type BackendChoice, type BackendInfo, chooseBackend } from "../core/device.ts";
import * as tf from "../core/tf.ts";
import { startWasm, useBundledModule } from "../core/tfjs_wasm.ts";
import { openWasmEngine, useWasmEngine, wasmEngine } from "../wasm/engine.ts";

/**
 * Chooses and starts the backend; later calls return to it.
 *
 * @param choice "auto" takes WebGPU on real hardware where it can be opened, else wasm.
 * @throws {Error} If the choice is "webgpu" and there is no adapter, or WebAssembly cannot
 * be started.
 */
export async function openPageBackend(choice: BackendChoice): Promise<BackendInfo> {
  try {
    return await chooseBackend(choice, { openWasm, adapterRemedy: "choose WebAssembly" });
  } catch (error) {
    if (choice !== "auto" || wasmEngine() !== null) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    return await openWasm(`WebGPU could not be used: ${reason}`);
  }
}

async function openWasm(reason: string): Promise<BackendInfo> {
  let wasm = wasmEngine();
  if (wasm === null) {
    if (!await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT")) {
      throw new Error(
        "Cannot compute on the CPU: the WebAssembly of this browser has no SIMD; use a " +
          "newer browser",
      );
    }
    await useBundledModule();
    const heap = await startWasm(false);
    if (heap === null) {
      throw new Error(
        "Cannot compute on the CPU: the browser refuses to start WebAssembly; a " +
          'Content-Security-Policy has to allow "wasm-unsafe-eval" and "blob:"',
      );
    }
    wasm = await openWasmEngine(heap);
    useWasmEngine(wasm);
  } else {
    await tf.setBackend("wasm");
  }
  const { threads, relaxedSimd } = wasm;
  const engine = {
    name: "WebAssembly",
    version: null,
    instructionSet: relaxedSimd ? "relaxed SIMD" : "SIMD",
    threads,
  };
  return { name: "wasm", adapter: "WebAssembly", engine, software: true, reason };
}
