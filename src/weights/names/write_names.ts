/** From fst's names back to those of other code bases. @module */

import type { HostTensor } from "../../core/host_tensor.ts";
import {
  DINOV2_NAMES,
  HUGGING_FACE_DINOV2_NAMES,
  UNIMATCH_V2_NAMES,
  VFM_UDA_NAMES,
} from "./dinov2.ts";
import { EFFICIENTNET_PYTORCH_NAMES } from "./efficientnet.ts";
import { applyRules, quoted, type Rule } from "./naming_scheme.ts";

/** A code base whose names can be written. */
export type WrittenNames =
  | "dinov2"
  | "hf-dinov2"
  | "efficientnet-pytorch"
  | "unimatch-v2"
  | "vfm-uda";

/** The rules from fst's names to those of each code base. */
const WRITTEN_NAMES: Readonly<Record<WrittenNames, readonly Rule[]>> = {
  dinov2: DINOV2_NAMES,
  "hf-dinov2": HUGGING_FACE_DINOV2_NAMES,
  "efficientnet-pytorch": EFFICIENTNET_PYTORCH_NAMES,
  "unimatch-v2": UNIMATCH_V2_NAMES,
  "vfm-uda": VFM_UDA_NAMES,
};

/** All of them. */
export const WRITABLE_NAMES = Object.keys(WRITTEN_NAMES) as readonly WrittenNames[];

/**
 * Renames a network's tensors to those of another code base: all of them or none.
 *
 * @param tensors Under fst's names.
 * @param file For messages.
 * @throws {RangeError} If a tensor has no name there.
 */
export function writeNames(
  tensors: ReadonlyMap<string, HostTensor>,
  names: WrittenNames,
  file: string,
): ReadonlyMap<string, HostTensor> {
  const scheme = { name: names, rules: WRITTEN_NAMES[names] };
  const { tensors: renamed, unknown } = applyRules(tensors, scheme, file);
  const [first] = unknown;
  if (first === undefined) return renamed;
  throw new RangeError(
    `Cannot write "${file}" with the names of ${names}, which has no ${quoted(first)}` +
      `${
        unknown.length > 1 ? ` and ${unknown.length - 1} more` : ""
      }; take the encoder ` +
      'alone with the prefix "backbone.", or write the network with the names of its code',
  );
}
