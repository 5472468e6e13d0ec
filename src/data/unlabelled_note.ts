/** Whether there is any picture without a label. @module */
import type { DataSpec } from "./data_set.ts";

/** A data set of a run. */
interface Used {
  readonly spec: DataSpec;
  /** Stems of its pictures. */
  readonly names: readonly string[];
}

/**
 * Notices that a run's pictures without labels are its pictures with labels.
 *
 * @returns What a user should know; null if there are others, as there should be.
 */
export function unlabelledNote(labelled: Used, unlabelled: Used): string | null {
  if (placeOf(labelled.spec) !== placeOf(unlabelled.spec)) return null;
  const known = new Set(labelled.names);
  if (!unlabelled.names.every((name) => known.has(name))) return null;
  return `every one of the ${unlabelled.names.length} pictures without labels is one of ` +
    'the labelled ones: name others in "data.target"';
}

/** Where pictures lie, whichever of them are chosen. */
function placeOf(spec: DataSpec): string {
  switch (spec.kind) {
    case "embedded": // the name of a scene is its number
      return JSON.stringify([spec.kind, spec.domain, spec.size ?? null, spec.seed ?? 0]);
    case "folder":
      return JSON.stringify([spec.kind, spec.root, spec.split, spec.files ?? null]);
    case "native":
      return JSON.stringify([spec.kind, spec.set, spec.root, spec.split ?? null]);
  }
}
