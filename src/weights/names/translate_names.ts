/** All naming schemes, and the translation of a file's names to fst's. @module */

import type { HostTensor } from "../../core/host_tensor.ts";
import { HUGGING_FACE_BEIT, MICROSOFT_BEIT } from "./beit.ts";
import { DINOV2, HUGGING_FACE_DINOV2 } from "./dinov2.ts";
import { EFFICIENTNET_PYTORCH } from "./efficientnet.ts";
import { FST } from "./fst.ts";
import {
  type AppliedRules,
  applyRules,
  type NamingScheme,
  type NamingSchemeSummary,
  quoted,
  type TensorShapes,
} from "./naming_scheme.ts";
import { anyNameMatches } from "./pattern.ts";
import { HUGGING_FACE_RESNET, TORCHVISION, U2PL } from "./resnet.ts";
import { HUGGING_FACE_SEGFORMER, MMSEG, NVLABS_SEGFORMER } from "./segformer.ts";
import { HUGGING_FACE_SWIN, HUGGING_FACE_UPERNET, MICROSOFT_SWIN } from "./swin.ts";
import { TIMM } from "./timm.ts";

/** All schemes; fst's own is last, because others may share its prefixes. */
export const NAMING_SCHEME_TABLE: readonly NamingScheme[] = [
  NVLABS_SEGFORMER,
  MMSEG,
  HUGGING_FACE_SEGFORMER,
  HUGGING_FACE_SWIN,
  HUGGING_FACE_BEIT,
  HUGGING_FACE_DINOV2,
  HUGGING_FACE_UPERNET,
  HUGGING_FACE_RESNET,
  MICROSOFT_SWIN,
  MICROSOFT_BEIT,
  DINOV2,
  TIMM,
  TORCHVISION,
  U2PL,
  EFFICIENTNET_PYTORCH,
  FST,
];

/** All schemes, for lists. */
export const NAMING_SCHEMES: readonly NamingSchemeSummary[] = NAMING_SCHEME_TABLE;

/** A file's tensors under fst's names. */
export interface Translation extends Omit<AppliedRules, "unknown"> {
  /** The naming scheme of the file. */
  readonly namingScheme: string;
  /**
   * Parameters of fst that such files lack, as patterns for `allowMissing`; a network
   * initializes them.
   */
  readonly allowMissing: readonly string[];
}

/** Networks that are not here, by a name that tells whose they are. */
const STRANGERS: readonly (readonly [pattern: string, whose: string])[] = [
  ["swinv2.*", "Swin V2 of Hugging Face"],
  ["convnext*.embeddings.*", "ConvNeXt of Hugging Face"],
  ["[model.]pixel_level_module.*", "MaskFormer or Mask2Former of Hugging Face"],
  ["dpt.*", "DPT of Hugging Face"],
  ["mobilevit*.*", "MobileViT of Hugging Face"],
  ["segmentation_head.{i}.*", "a network of segmentation_models.pytorch"],
  ["stages.{i}.blocks.{j}.conv_dw.*", "ConvNeXt of timm"],
  ["blocks.{i}.{j}.conv_dw.*", "an EfficientNet of timm"],
  ["sem_seg_head.*", "a network of detectron2"],
];

const KNOWN_SCHEME_NAMES = NAMING_SCHEME_TABLE.map(({ name }) => name).join(", ");

function resolveScheme(
  tensors: TensorShapes,
  requested: string,
  file: string,
): NamingScheme {
  const scheme = NAMING_SCHEME_TABLE.find(({ name, matches }) =>
    requested === "auto" ? matches(tensors) : name === requested
  );
  if (scheme !== undefined) return scheme;
  if (requested !== "auto") {
    throw new RangeError(
      `Cannot translate the names of "${file}": the naming scheme must be auto or one of ` +
        `${KNOWN_SCHEME_NAMES}: received "${requested}"`,
    );
  }
  const first = [...tensors.keys()].slice(0, 3).map(quoted);
  const stranger = STRANGERS.find(([pattern]) => anyNameMatches(tensors, pattern));
  throw new RangeError(
    `Cannot detect the naming scheme of the weights of "${file}", whose names begin with ` +
      `${first.join(", ")}${stranger ? ` (${stranger[1]})` : ""}: known are ` +
      `${KNOWN_SCHEME_NAMES}; if they are the network's own names, pass the naming ` +
      'scheme "fst"',
  );
}

/**
 * Refuses a file with names of which no scheme knows what they become: one half of it
 * would be translated, and the other not.
 */
function rejectUnknownNames(
  unknown: readonly string[],
  tensors: TensorShapes,
  { name, description }: NamingScheme,
  file: string,
): never {
  const [first = ""] = unknown;
  const rest = unknown.length > 1 ? ` and ${unknown.length - 1} more` : "";
  const stranger = STRANGERS.find(([pattern]) => anyNameMatches(tensors, pattern));
  throw new RangeError(
    `Cannot translate the names of "${file}": it looks like ${
      stranger?.[1] ?? `${name} (${description})`
    }, and no network here has ${
      quoted(first)
    }${rest}; take a part with its prefix, or ` +
      'all names as they are with the naming scheme "fst"',
  );
}

/**
 * Translates a file's tensors to fst's names, which are mmsegmentation's, and values: all
 * of them or none.
 *
 * @param requested A scheme's name, or "auto" to detect it. With "fst", names that no
 * network here has stay as they are.
 * @param file For messages.
 * @param isExcluded Whether a name is of a tensor that nobody needs; it may be in no
 * scheme.
 * @throws {RangeError} If there is no such scheme, none matches, fst has no such network,
 * or a name is in no scheme.
 * @throws {SyntaxError} If the file lacks tensors that belong together.
 */
export function translateNames(
  tensors: ReadonlyMap<string, HostTensor>,
  requested: string = "auto",
  file: string = "file",
  isExcluded: (name: string) => boolean = () => false,
): Translation {
  const scheme = resolveScheme(tensors, requested, file);
  const { unknown: withoutRule, ...applied } = applyRules(tensors, scheme, file);
  const unknown = withoutRule.filter((name) => !isExcluded(name));
  if (unknown.length > 0 && requested !== FST.name) {
    rejectUnknownNames(unknown, tensors, scheme, file);
  }
  const has = (pattern: string) => anyNameMatches(applied.tensors, pattern);
  const allowMissing = scheme.allowMissing
    .filter(({ parameters, where }) => has(where) && !has(parameters))
    .map(({ parameters }) => parameters);
  return { namingScheme: scheme.name, ...applied, allowMissing };
}
