/** The data that a run began with, and whether it is still the same. @module */
import type { DataIdentity, DataSet } from "../data/data_set.ts";

/** By the part of the configuration, as "source" and "evaluations.val". */
export type DataIdentities = Readonly<Record<string, DataIdentity>>;

/** Finds out what the data is, without reading its pixels. */
export async function dataIdentities(
  parts: ReadonlyMap<string, DataSet>,
): Promise<DataIdentities> {
  const identities: Record<string, DataIdentity> = {};
  for (const [part, dataSet] of parts) identities[part] = await dataSet.identity();
  return identities;
}

/**
 * Refuses to go on with a run whose data has changed, unless that is accepted.
 *
 * @param saved Left out by checkpoints of earlier versions.
 * @returns What to say; null: it is the same.
 * @throws {Error} Naming every part that differs, and how.
 */
export function assertSameData(
  path: string,
  saved: DataIdentities | undefined,
  data: DataIdentities,
  isAccepted: boolean,
): string | null {
  if (saved === undefined) {
    return "the checkpoint does not say on which data it was trained: assumed to be the " +
      "same";
  }
  const changes = Object.entries(data).flatMap(([part, now]) => {
    const before = Object.hasOwn(saved, part) ? saved[part] : undefined;
    const change = before && changeOf(before, now);
    return change ? [`"data.${part}" has ${change}`] : [];
  });
  if (changes.length === 0) return null;
  const text = changes.join(", ");
  if (isAccepted) return `the data has changed since the run began: ${text}`;
  throw new Error(
    `Cannot go on with the run in "${path}": its data has changed: ${text}: restore it, ` +
      "go on nevertheless with --accept-changed-data, choose another folder with --out, " +
      "or start over with --fresh",
  );
}

function changeOf(before: DataIdentity, now: DataIdentity): string | null {
  if (before.images !== now.images) {
    return `${now.images} images and had ${before.images}`;
  }
  if (before.names !== now.names) return "images of other names";
  if (before.sizes !== now.sizes) return "images or labels of other sizes in bytes";
  if (before.annotations !== now.annotations) return "other annotations";
  if (before.contents === null || now.contents === null) return null;
  const kindOf = (contents: string) => contents.split(" ", 1)[0];
  return kindOf(before.contents) === kindOf(now.contents) &&
      before.contents !== now.contents
    ? "images or labels with other contents"
    : null;
}
