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
export function onEachBackend(
  name: string,
  test: (backend: "wasm" | "webgpu") => void | Promise<void>,
): void {
  for (const backend of BACKENDS) {
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
}
