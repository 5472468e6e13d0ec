/** All naming schemes, and a file's tensors under our names. @module */

import type { HostTensor } from "../../core/host_tensor.ts";
import { applyRules } from "./apply_rules.ts";
import { FST } from "./fst.ts";
import { HUGGING_FACE_BEIT } from "./hugging_face_beit.ts";
import { HUGGING_FACE_RESNET } from "./hugging_face_resnet.ts";
import { HUGGING_FACE_SEGFORMER } from "./hugging_face_segformer.ts";
import { HUGGING_FACE_SWIN } from "./hugging_face_swin.ts";
import { HUGGING_FACE_UPERNET } from "./hugging_face_upernet.ts";
import { MICROSOFT_BEIT } from "./microsoft_beit.ts";
import { MICROSOFT_SWIN } from "./microsoft_swin.ts";
import { MMSEG } from "./mmseg.ts";
import { NVLABS_SEGFORMER } from "./nvlabs_segformer.ts";
import { anyFits } from "./pattern.ts";
import type { Described, Scheme } from "./scheme.ts";
import { TIMM } from "./timm.ts";
import { TORCHVISION } from "./torchvision.ts";
import { U2PL } from "./u2pl.ts";

/** Every scheme that is known; ours is last, because others may share its prefixes. */
export const SCHEMES: readonly Scheme[] = [
  NVLABS_SEGFORMER,
  MMSEG,
  HUGGING_FACE_SEGFORMER,
  HUGGING_FACE_SWIN,
  HUGGING_FACE_BEIT,
  HUGGING_FACE_UPERNET,
  HUGGING_FACE_RESNET,
  MICROSOFT_SWIN,
  MICROSOFT_BEIT,
  TIMM,
  TORCHVISION,
  U2PL,
  FST,
];

/** A scheme, for lists. */
export interface SchemeSummary {
  /** As in `--names`. */
  readonly name: string;
  /** Whose names these are, in a line. */
  readonly what: string;
}

/** Every scheme that is known. */
export const NAMING_SCHEMES: readonly SchemeSummary[] = SCHEMES.map(
  ({ name, what }) => ({ name, what }),
);

/** What a file's tensors are here. */
export interface Translation {
  /** The scheme that the file's names are of. */
  readonly scheme: string;
  /** Under our names; those that the scheme does not know keep theirs. */
  readonly tensors: Map<string, HostTensor>;
  /** Names in the file of weights without use here, as classifiers of ImageNet. */
  readonly leftOut: readonly string[];
  /**
   * Parameters here that such files do not have, as patterns for `allowMissing`; a network
   * starts with fresh ones.
   */
  readonly lacking: readonly string[];
}

/** Names that a message shows. */
const SHOWN = 3;

const KNOWN = SCHEMES.map(({ name }) => name).join(", ");

/** The scheme that a file's names are of, or null. */
export function detectScheme(tensors: Described): Scheme | null {
  return SCHEMES.find(({ detect }) => detect(tensors)) ?? null;
}

function schemeOf(tensors: Described, names: string, file: string): Scheme {
  if (names !== "auto") {
    const scheme = SCHEMES.find(({ name }) => name === names);
    if (scheme !== undefined) return scheme;
    throw new RangeError(
      `Cannot translate the names of "${file}": "names" must be auto or one of ${KNOWN}: ` +
        `received "${names}"`,
    );
  }
  const scheme = detectScheme(tensors);
  if (scheme !== null) return scheme;
  const first = [...tensors.keys()].slice(0, SHOWN).map((name) => `"${name}"`);
  throw new RangeError(
    `Cannot tell whose names the weights of "${file}" have, which begin with ` +
      `${
        first.join(", ")
      }: known are ${KNOWN}; if they are those of the network, say so ` +
      'with the scheme "fst"',
  );
}

/**
 * Gives a file's tensors our names, which are mmsegmentation's, and our values.
 *
 * @param names A scheme's name, or "auto" to find out.
 * @param file For messages.
 * @throws {RangeError} If there is no such scheme, none fits, or no network here is like
 * the file's.
 * @throws {SyntaxError} If the file has only a part of what belongs together.
 */
export function translate(
  tensors: ReadonlyMap<string, HostTensor>,
  names: string = "auto",
  file: string = "file",
): Translation {
  const scheme = schemeOf(tensors, names, file);
  const renamed = applyRules(tensors, scheme.rules, file);
  const has = (pattern: string) => anyFits(renamed.tensors.keys(), pattern);
  const lacking = scheme.mayLack
    .filter(({ parameters, where }) => has(where) && !has(parameters))
    .map(({ parameters }) => parameters);
  return { scheme: scheme.name, ...renamed, lacking };
}
