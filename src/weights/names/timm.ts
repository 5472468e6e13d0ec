import { BEIT_MAY_LACK, SWIN_MAY_LACK } from "./may_lack.ts";
import { BEIT_RULES } from "./microsoft_beit.ts";
import { anyFits } from "./pattern.ts";
import { leftOut, refused, renamed, type Rule } from "./rule.ts";
import type { Described, Scheme } from "./scheme.ts";
import { swinRules } from "./swin_table.ts";
import { hasWideStem } from "./u2pl.ts";

/** The last norm of the stem is where a plain stem has its only one. */
const RESNET_RULES: readonly Rule[] = [
  refused(
    "[backbone.]layer{s}.0.downsample.2.weight",
    "its ResNet averages before it projects (ResNet D), and those here do not (ResNet " +
      "V1c); use timm's resnet50c or resnet101c",
  ),
  renamed("[backbone.]conv1.{n}.*", "backbone.stem.{n}.*"),
  renamed("[backbone.]bn1.*", "backbone.stem.7.*"),
  renamed("[backbone.]layer{s}.*", "backbone.layer{s}.*"),
  leftOut("[backbone.]fc.*"),
];

const MERGE = "downsample.reduction.weight";

function isResnet(tensors: Described): boolean {
  return anyFits(tensors.keys(), "[backbone.]conv1.6.weight") && !hasWideStem(tensors);
}

/** Since 0.9 a stage merges patches where it begins and not where the one before ends. */
function isSwin(tensors: Described): boolean {
  return anyFits(tensors.keys(), "[backbone.]layers.0.blocks.{j}.attn.qkv.weight") &&
    anyFits(tensors.keys(), `[backbone.]layers.1.${MERGE}`) &&
    !anyFits(tensors.keys(), `[backbone.]layers.0.${MERGE}`);
}

/**
 * timm: ResNet with a deep stem, Swin since version 0.9, and BEiT, whose names are those
 * of its authors. The merged patches are in the order of Swin's authors.
 *
 * Source: https://github.com/huggingface/pytorch-image-models, `timm/models/resnet.py`,
 * `swin_transformer.py` and `beit.py`.
 */
export const TIMM: Scheme = {
  name: "timm",
  what: "timm: ResNet with a deep stem, Swin since 0.9, BEiT",
  detect: (tensors) => isResnet(tensors) || isSwin(tensors),
  rules: [...swinRules("{i-1}"), ...BEIT_RULES, ...RESNET_RULES],
  mayLack: [...SWIN_MAY_LACK, ...BEIT_MAY_LACK],
};
