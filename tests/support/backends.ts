/** The same test on each backend. @module */
import { openBackend, probeAdapter } from "../../src/core/backend.ts";
import { NATIVE_LIBRARY } from "./native.ts";

const REQUIRED = Deno.env.get("FST_REQUIRE_WEBGPU") === "1";
const adapter = await probeAdapter();

/** The backends a test can run on here. */
export const BACKENDS = ["wasm", "webgpu"] as const;

/** Whether a test can run on a backend here, or must. */
export const hasBackend = (backend: typeof BACKENDS[number]): boolean =>
  backend === "wasm" || adapter !== null || REQUIRED;

/** The backends, and "native": wasm with oneDNN. */
type Variant = typeof BACKENDS[number] | "native";

/**
 * Registers a test once per backend, and once more for wasm with oneDNN.
 *
 * Without a WebGPU adapter the second one is reported as ignored, or fails if
 * FST_REQUIRE_WEBGPU=1; without a library the third one is.
 */
export function onEachBackend(name: string, test: BackendTest): void {
  for (const variant of [...BACKENDS, "native"] as const) onVariant(variant, name, test);
}

/** Registers a test of wasm with and without oneDNN, as {@linkcode onEachBackend} does. */
export function onCpu(name: string, test: BackendTest): void {
  for (const variant of ["wasm", "native"] as const) onVariant(variant, name, test);
}

/** Registers a test of what WebGPU alone has, as {@linkcode onEachBackend} does. */
export function onWebGpu(name: string, test: BackendTest): void {
  onVariant("webgpu", name, test);
}

/** Registers a test of oneDNN alone, as {@linkcode onEachBackend} does. */
export function onNative(name: string, test: BackendTest): void {
  onVariant("native", name, test);
}

type BackendTest = (backend: "wasm" | "webgpu") => void | Promise<void>;

function onVariant(variant: Variant, name: string, test: BackendTest): void {
  const backend = variant === "native" ? "wasm" : variant;
  Deno.test({
    name: `${name} [${variant}]`,
    ignore: variant === "native" ? NATIVE_LIBRARY === null : !hasBackend(backend),
    // The device and its buffers outlive a test on purpose.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const native = variant === "native" ? NATIVE_LIBRARY ?? "off" : "off";
      await openBackend(backend, { native });
      await test(backend);
    },
  });
}
