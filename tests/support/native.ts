/** The native engine in tests. @module */
import { findLibrary, NativeLibraryError } from "../../src/native/find_library.ts";

/**
 * A oneDNN for tests: the one that FST_NATIVE_TEST_LIBRARY names, or one at a known place;
 * null: there is none, and tests that need it are reported as ignored.
 */
export const NATIVE_LIBRARY: string | null = Deno.env.get("FST_NATIVE_TEST_LIBRARY") ||
  found();

function found(): string | null {
  try {
    return findLibrary().path;
  } catch (error) {
    if (error instanceof NativeLibraryError) return null;
    throw error;
  }
}
