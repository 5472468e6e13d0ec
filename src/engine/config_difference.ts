/** In what two configurations differ. @module */
import type { RunConfig } from "../config/schema.ts";

// What may differ between the parts of one run: it changes no number of it.
const IRRELEVANT = [
  "logging",
  "data.workers",
  "evaluation",
  "method.reuse",
  "model.recompute",
  "replay",
];

/** Folders may move between the parts of a run. */
const ROOT = /^data\.(.+\.)?(root|sbd)$/;

/** Paths of the values that would change a run, e.g. "optimizer.rate". */
export function differences(a: RunConfig, b: RunConfig): string[] {
  return leaves(a, b, "").filter((path) =>
    !ROOT.test(path) &&
    !IRRELEVANT.some((one) => path === one || path.startsWith(`${one}.`))
  );
}

/**
 * Refuses to go on with a run under another configuration.
 *
 * @param path The run's folder, for the message.
 * @throws {Error} Naming every value that differs.
 */
export function assertSameRun(path: string, there: RunConfig, config: RunConfig): void {
  const keys = differences(there, config);
  if (keys.length === 0) return;
  throw new Error(
    `Cannot go on with the run in "${path}": it has other values of ${
      keys.join(", ")
    }; choose another folder with --out, or start over with --fresh`,
  );
}

function leaves(a: unknown, b: unknown, path: string): string[] {
  if (isRecord(a) && isRecord(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].flatMap((key) =>
      leaves(a[key], b[key], path === "" ? key : `${path}.${key}`)
    );
  }
  return JSON.stringify(a) === JSON.stringify(b) ? [] : [path];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
