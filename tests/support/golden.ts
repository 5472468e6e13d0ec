/** Golden files in tests. @module */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { CheckResult } from "../../src/doctor/check.ts";
import { verifyFile } from "../../tools/verify/verify_file.ts";

/** The path of a golden file of this repository. */
export const goldenPath = (name: string): string =>
  fileURLToPath(new URL(`../golden/${name}.json`, import.meta.url));

/** The path of a golden file that is too large for this repository, and may be absent. */
export const largeGoldenPath = (name: string): string =>
  fileURLToPath(new URL(`../../../shared/golden/${name}.json`, import.meta.url));

/** Asserts that every check of a golden file passes. @returns The checks. */
export async function assertVerifies(path: string): Promise<readonly CheckResult[]> {
  const results = await verifyFile(path);
  const failed = results.filter(({ passed }) => !passed);
  assert.deepEqual(failed, [], `${failed.length} of ${results.length} checks failed`);
  return results;
}
