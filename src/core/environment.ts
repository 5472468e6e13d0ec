/** The system and its variables, as far as they may be known. @module */

const { Deno: runtime } = globalThis as { readonly Deno?: typeof Deno };

/** The system, as Deno names it; "" in a browser. */
export const OPERATING_SYSTEM: string = runtime?.build.os ?? "";

/** A variable of the environment; undefined if it is not set, empty, or may not be read. */
export function environmentVariable(variable: string): string | undefined {
  const state = runtime?.permissions.querySync({ name: "env", variable }).state;
  return state === "granted" ? runtime?.env.get(variable) || undefined : undefined;
}

/** Bytes of memory of the machine; null where they cannot be asked for. */
export function systemMemory(): number | null {
  try {
    return runtime?.systemMemoryInfo().total ?? null;
  } catch {
    return null; // not permitted
  }
}
