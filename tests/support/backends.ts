/** The same test on each backend. @module */
import { openBackend, probeAdapter } from "../../src/core/backend.ts";

const REQUIRED = Deno.env.get("FST_REQUIRE_WEBGPU") === "1";
const adapter = await probeAdapter();

/** The backends a test can run on here. */
export const BACKENDS = ["wasm", "webgpu"] as const;

/**
 * Registers a test once per backend.
 *
 * Without a WebGPU adapter the second one is reported as ignored, or fails if
 * FST_REQUIRE_WEBGPU=1.
 */
export function onEachBackend(name: string, test: BackendTest): void {
  for (const backend of BACKENDS) onBackend(backend, name, test);
}

/** Registers a test of what WebGPU alone has, as {@linkcode onEachBackend} does. */
export function onWebGpu(name: string, test: BackendTest): void {
  onBackend("webgpu", name, test);
}

type BackendTest = (backend: "wasm" | "webgpu") => void | Promise<void>;

function onBackend(backend: "wasm" | "webgpu", name: string, test: BackendTest): void {
  Deno.test({
    name: `${name} [${backend}]`,
    ignore: backend === "webgpu" && adapter === null && !REQUIRED,
    // The device and its buffers outlive a test on purpose.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await openBackend(backend);
      await test(backend);
    },
  });
}
