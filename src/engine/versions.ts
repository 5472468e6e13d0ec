/** What a result depends on besides its configuration. @module */

/** This project's version. */
export const VERSION = "0.1.0";

/** Names and versions of everything that computes. */
export function versions(): Record<string, string> {
  return { fst: VERSION, deno: Deno.version.deno, tfjs: "4.22.0" };
}
