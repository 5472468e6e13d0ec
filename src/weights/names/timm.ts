import { BEIT_ALLOW_MISSING, BEIT_RULES } from "./beit.ts";
import {
  dropRule,
  HEAD_RULES,
  type NamingScheme,
  renameRule,
  type Rule,
  type TensorShapes,
  unsupportedRule,
} from "./naming_scheme.ts";
import { anyNameMatches } from "./pattern.ts";
import { hasWideStem, RESNET_BLOCK_PARTS } from "./resnet.ts";
import { SWIN_ALLOW_MISSING, swinRules } from "./swin.ts";

/** The last norm of the deep stem is named as the only norm of a plain stem. */
const RESNET_RULES: readonly Rule[] = [
  unsupportedRule(
    "[backbone.]layer{s}.0.downsample.2.weight",
    "its ResNet averages before it projects (ResNet D), and those here do not (ResNet " +
      "V1c); use timm's resnet50c or resnet101c",
  ),
  renameRule("[backbone.]conv1.{n}.*", "backbone.stem.{n}.*"),
  renameRule("[backbone.]bn1.*", "backbone.stem.7.*"),
  ...RESNET_BLOCK_PARTS.map((part) =>
    renameRule(`[backbone.]layer{s}.{k}.${part}`, `backbone.layer{s}.{k}.${part}`)
  ),
  dropRule("[backbone.]fc.*"),
];

const PATCH_MERGING_WEIGHT = "downsample.reduction.weight";

function isDeepStemResnet(tensors: TensorShapes): boolean {
  return anyNameMatches(tensors, "[backbone.]conv1.6.weight") &&
    !hasWideStem(tensors);
}

/** Since 0.9, patches are merged at the beginning of a stage, before at its end. */
function isSwin(tensors: TensorShapes): boolean {
  return anyNameMatches(tensors, "[backbone.]layers.0.blocks.{j}.attn.qkv.weight") &&
    anyNameMatches(tensors, `[backbone.]layers.1.${PATCH_MERGING_WEIGHT}`) &&
    !anyNameMatches(tensors, `[backbone.]layers.0.${PATCH_MERGING_WEIGHT}`);
}

/**
 * timm: ResNet with a deep stem, Swin since version 0.9, and BEiT, which has its authors'
 * names. Patches are merged in the order of Swin's authors.
 *
 * Source: https://github.com/huggingface/pytorch-image-models, `timm/models/resnet.py`,
 * `swin_transformer.py` and `beit.py`.
 */
export const TIMM: NamingScheme = {
  name: "timm",
  description: "timm: ResNet with a deep stem, Swin since 0.9, BEiT",
  matches: (tensors) => isDeepStemResnet(tensors) || isSwin(tensors),
  rules: [...swinRules("{i-1}"), ...BEIT_RULES, ...RESNET_RULES, ...HEAD_RULES],
  allowMissing: [...SWIN_ALLOW_MISSING, ...BEIT_ALLOW_MISSING],
};
