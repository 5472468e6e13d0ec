/** How the verification of one file ended. @module */
import type { CheckResult } from "../../src/doctor/check.ts";
import { verifyFile } from "./verify_file.ts";

/** A golden file and what became of it. */
export interface FileVerification {
  /** Its path. */
  readonly file: string;
  /** Whether it could be verified and everything is within its tolerance. */
  readonly passed: boolean;
  /** Why it could not be verified; null: it was. */
  readonly error: string | null;
  /** A line per tensor or figure. */
  readonly checks: readonly CheckResult[];
}

/** Verifies a golden file; one that cannot be verified does not keep others from it. */
export async function tryVerifyFile(file: string): Promise<FileVerification> {
  try {
    const checks = await verifyFile(file);
    return { file, passed: checks.every(({ passed }) => passed), error: null, checks };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { file, passed: false, error: reason, checks: [] };
  }
}
