/** Opening oneDNN, and testing it. @module */
import { openDnnl, type PrimitivePlan, type View } from "./dnnl.ts";
import type { NativeEngine, NativeEngineInfo } from "./engine.ts";
import {
  findLibrary,
  type Library,
  NativeLibraryError,
  openLibrary,
  RUNTIME,
} from "./find_library.ts";
import { fasterThreads, prepareOpenMp } from "./threads.ts";
import { selfTest } from "./self_test.ts";

interface OpenEngine extends NativeEngine {
  readonly library: Library;
  setThreads(threads: number): void;
}

// A library stays open: its threads outlive it.
const openEngines = new Map<string, OpenEngine>();

/**
 * Opens an engine, or returns to it, and tests it.
 *
 * @param choice The path of a library, or "auto" for the first one at a known place.
 * @param threads "auto" takes one, or one per core where that is clearly faster.
 * @throws {NativeLibraryError} If there is no library, or it cannot be used.
 */
export function openNativeEngine(
  choice: string,
  threads: number | "auto" = 1,
): NativeEngine {
  const cores = navigator.hardwareConcurrency;
  const fixedThreads = prepareOpenMp(threads === "auto" ? cores : threads);
  const engine = openEngines.get(choice) ??
    openOnLibrary(choice === "auto" ? findLibrary() : openLibrary(choice));
  openEngines.set(choice, engine);
  if (threads !== "auto") engine.setThreads(threads);
  else engine.setThreads(fixedThreads ?? fasterThreads(engine, cores));
  return engine;
}

function openOnLibrary(library: Library): OpenEngine {
  const { symbols, version: { major, minor, patch, cpuRuntime }, path } = library;
  const dnnl = openDnnl(symbols);
  const instructionSet = instructionSetName(symbols.dnnl_get_effective_cpu_isa());
  let threads = 1;
  // OpenMP's number belongs to the calling thread, and another engine may have set it.
  const threadsNow = () => {
    if (cpuRuntime === RUNTIME.tbb) return navigator.hardwareConcurrency;
    return cpuRuntime === RUNTIME.openMp
      ? symbols.omp_get_max_threads?.() ?? threads
      : threads;
  };
  const engine: OpenEngine = {
    library,
    get info() {
      return {
        path,
        version: [major, minor, patch].join("."),
        instructionSet,
        runtime: runtimeName(cpuRuntime),
        threads: threadsNow(),
      };
    },
    run: (plan: PrimitivePlan, ...views: View[]) => dnnl.run(plan, ...views),
    get primitiveCount() {
      return dnnl.primitiveCount;
    },
    setThreads(wanted) {
      if (cpuRuntime !== RUNTIME.openMp) return;
      symbols.omp_set_num_threads?.(wanted);
      if (wanted !== threads) dnnl.clear(); // they are made for a number of threads
      threads = wanted;
    },
  };
  engine.setThreads(1);
  const failure = selfTest(engine).find(({ error, tolerance }) => !(error <= tolerance));
  if (failure !== undefined) {
    throw new NativeLibraryError(
      path,
      `its ${failure.name} is wrong (relative error ${
        failure.error.toExponential(1)
      }); ` +
        "install another version",
    );
  }
  return engine;
}

function runtimeName(runtime: number): NativeEngineInfo["runtime"] {
  if (runtime === RUNTIME.openMp) return "OpenMP";
  return runtime === RUNTIME.tbb ? "TBB" : "sequential";
}

// The value of an instruction set has the bits of those that it includes.
const INSTRUCTION_SETS = [
  [0xfef, "AVX-512 AMX"],
  [0x27, "AVX-512"],
  [0x7, "AVX2"],
  [0x3, "AVX"],
  [0x1, "SSE4.1"],
] as const;

/** The name of a value of `dnnl_cpu_isa_t`. */
export function instructionSetName(value: number): string {
  const [, name] = INSTRUCTION_SETS.find(([bits]) => (value & bits) === bits) ?? [];
  return name ?? (Deno.build.arch === "aarch64" ? "NEON" : "no extension");
}
