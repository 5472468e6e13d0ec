import { SWIN_MAY_LACK } from "./may_lack.ts";
import { anyFits } from "./pattern.ts";
import type { Scheme } from "./scheme.ts";
import { swinRules } from "./swin_table.ts";

/**
 * Swin as its authors publish it, as a classifier or (with "backbone.") in a segmentation
 * network, whose heads have our names; timm had these names before its version 0.9.
 *
 * Sources: https://github.com/microsoft/Swin-Transformer, `models/swin_transformer.py`;
 * the order of merged patches as in mmsegmentation's
 * `tools/model_converters/swin2mmseg.py`.
 */
export const MICROSOFT_SWIN: Scheme = {
  name: "microsoft-swin",
  what: "Swin of Microsoft, and of timm before 0.9: layers.0.downsample.*",
  detect: (tensors) =>
    anyFits(tensors.keys(), "[backbone.]layers.0.blocks.{j}.attn.qkv.weight") &&
    anyFits(tensors.keys(), "[backbone.]layers.0.downsample.reduction.weight"),
  rules: swinRules("{i}"),
  mayLack: SWIN_MAY_LACK,
};
