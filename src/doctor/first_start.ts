/** The first start on a GPU: its kernels are tested before a run relies on them. @module */
import { type BackendChoice, probeAdapter } from "../core/backend.ts";
import { versions } from "../core/versions.ts";
import { cachedResult } from "../io/cached_result.ts";
import type { CheckResult } from "./check.ts";
import { testOperations } from "./test_operations.ts";

/**
 * Tests the GPU that a run would use, unless it has passed before, with this driver as far
 * as it can be told from others, and these versions of fst and Deno.
 *
 * @param backend Where the run is to compute; nothing is tested for one on the CPU.
 * @param cache Folder that keeps what has passed; null: nothing is kept.
 * @param onProgress Called as kernels are compiled, then as operations are tested.
 * @param test What runs.
 * @returns Whether it was tested now.
 * @throws {Error} Naming what the GPU computes wrong or does not compile.
 */
export async function testGpuOnce(
  backend: BackendChoice,
  cache: string | null,
  onProgress: (what: string, done: number, total: number) => void = () => {},
  test: (progress: typeof onProgress) => Promise<readonly CheckResult[]> = testOperations,
): Promise<boolean> {
  if (backend === "wasm") return false;
  const adapter = await probeAdapter();
  if (adapter === null || (backend === "auto" && adapter.software)) return false;
  const key = JSON.stringify([adapter, versions()]);
  const { isCached } = await cachedResult(cache, "gpu", key, async () => {
    const checks = await test(onProgress);
    const failed = checks.filter(({ passed }) => !passed);
    if (failed.length === 0) return adapter.name;
    const list = failed.map(({ name, note }) => note ? `${name} (${note})` : name);
    throw new Error(
      `Cannot trust the GPU "${adapter.name}": its results differ from the CPU's in ` +
        `${list.join(", ")}; update its driver, or use "--backend wasm"; "deno task ` +
        'doctor" tests it again',
    );
  });
  return !isCached;
}
