/** What computes an iteration. @module */
import { fileURLToPath } from "node:url";
import type { BackendInfo } from "../../src/core/backend.ts";

/** A way to compute an iteration; each runs in a process of its own. */
export interface StepVariant {
  /** Arguments of `deno run`. */
  readonly args: readonly string[];
  /** Whether it is recorded first and replayed then. */
  readonly replayed: boolean;
}

const IMPORT_MAP = fileURLToPath(new URL("../tfjs/import_map.json", import.meta.url));

/** Ways to compute the same iteration. */
export const VARIANTS = {
  /** No kernel of ours: the import map puts those of tfjs in their place. */
  tfjs: { args: ["--import-map", IMPORT_MAP], replayed: false },
  /** Our kernels, dispatch by dispatch. */
  ours: { args: [], replayed: false },
  /** Our kernels, recorded: as a run on WebGPU computes it. */
  replay: { args: [], replayed: true },
} as const satisfies Readonly<Record<string, StepVariant>>;

/** The name of a variant. */
export type Variant = keyof typeof VARIANTS;

/** The variant that others are compared with. */
export const BASELINE: Variant = "tfjs";

/** Whether a variant can be computed: on wasm there is nothing to record. */
export function isSupported(variant: Variant, { name }: BackendInfo): boolean {
  return name === "webgpu" || !VARIANTS[variant].replayed;
}

/** Checks names. @throws {RangeError} If one is unknown. */
export function parseVariants(names: readonly string[]): Variant[] {
  const known = Object.keys(VARIANTS) as Variant[];
  if (names.length === 0) return known;
  return names.map((name) => {
    const variant = known.find((one) => one === name);
    if (variant !== undefined) return variant;
    throw new RangeError(`Cannot measure "${name}": known are ${known.join(", ")}`);
  });
}
