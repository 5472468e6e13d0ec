/** What both formats of `torch.save` come down to. @module */

import { BYTES_PER_ELEMENT } from "../core/host_tensor.ts";
import { shown } from "./torch_globals.ts";
import type { PickleValue, Refuse, StorageReference } from "./torch_values.ts";

/** An object and where the elements of its storages are. */
export interface TorchContainer {
  /** What was given to `torch.save`. */
  readonly object: PickleValue;
  /** Asserts that a storage is in the file as a whole; reads nothing of it. */
  check(storage: StorageReference): void;
  /**
   * Reads a part of a storage's record.
   *
   * @param start First byte, counted from the record's.
   */
  read(
    storage: StorageReference,
    start: number,
    length: number,
  ): Promise<Uint8Array<ArrayBuffer>>;
}

/** Bytes of the record that holds a storage. */
export const recordBytes = ({ recordElements, dtype }: StorageReference): number =>
  recordElements * BYTES_PER_ELEMENT[dtype];

/**
 * Finds the record of a storage, and asserts that it is large enough.
 *
 * @param records Sizes by key.
 */
export function recordOf<R extends { readonly size: number }>(
  records: ReadonlyMap<string, R>,
  storage: StorageReference,
  refuse: Refuse,
): R {
  const key = shown(storage.key);
  const record = records.get(storage.key);
  if (record === undefined) return refuse(`its storage "${key}" is missing`);
  const needed = recordBytes(storage);
  if (record.size < needed) {
    refuse(`its storage "${key}" should have ${needed} bytes and has ${record.size}`);
  }
  return record;
}
