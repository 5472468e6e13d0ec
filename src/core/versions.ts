/** The versions that a result depends on. @module */

import project from "../../deno.json" with { type: "json" };
import * as tf from "./tf.ts";

/** Names and versions of everything that computes, each from where it is declared. */
export function versions(): Record<string, string> {
  return { fst: project.version, deno: Deno.version.deno, tfjs: tf.version.tfjs };
}
