/**
 * The native engine of CPUs: oneDNN, where it is installed, called through Deno.dlopen.
 *
 * Kernels that it can compute declare `native` next to their `reference`. Opening it is
 * another module's (`open_engine.ts`), as a page of a browser never does.
 *
 * @module
 */
import type { Dnnl } from "./dnnl.ts";

/** What an engine is; results depend on all of it, bit for bit. */
export interface NativeEngineInfo {
  /** Where its library is. */
  readonly path: string;
  /** Of oneDNN, as "3.2.0". */
  readonly version: string;
  /** The largest instruction set that it uses here, as "AVX-512". */
  readonly instructionSet: string;
  /** What its threads come from. */
  readonly runtime: "OpenMP" | "TBB" | "sequential";
  /** As many as compute. */
  readonly threads: number;
}

/** Runs primitives of oneDNN. */
export interface NativeEngine extends Pick<Dnnl, "run" | "primitiveCount"> {
  readonly info: NativeEngineInfo;
}

let current: NativeEngine | null = null;

/** The engine in use, or null where other kernels run. */
export function nativeEngine(): NativeEngine | null {
  return current;
}

/** Lets kernels run by an engine, or by what else there is. */
export function useNativeEngine(engine: NativeEngine | null): void {
  current = engine;
}
