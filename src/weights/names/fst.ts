import { BEIT_MAY_LACK, SWIN_MAY_LACK } from "./may_lack.ts";
import { anyFits } from "./pattern.ts";
import { leftOut, renamed, type Rule } from "./rule.ts";
import type { Scheme } from "./scheme.ts";

/** An encoder alone, without "backbone." before its names. */
const BARE = [
  "patch_embed{s}.*",
  "block{s}.*",
  "norm{s}.*",
  "stem.*",
  "layer{s}.*",
  "stages.*",
  "layers.*",
  "patch_embed.*",
  "cls_token",
] as const;

/**
 * What published encoders bring along: classifiers, the norm before them, and the token
 * that hides patches in pretraining.
 */
const CLASSIFIERS = [
  "[backbone.]head.*",
  "[backbone.]fc.*",
  "[backbone.]norm.*",
  "[backbone.]fc_norm.*",
  "[backbone.]mask_token",
  "[backbone.]lm_head.*",
] as const;

/** The rows of our own names, which other schemes end with. */
export const FST_RULES: readonly Rule[] = [
  ...CLASSIFIERS.map(leftOut),
  ...BARE.map((pattern) => renamed(pattern, `backbone.${pattern}`)),
];

/** By what a bare encoder of ours is known. */
const SIGNS = [
  "patch_embed1.proj.weight",
  "stem.0.weight",
  "stages.{i}.blocks.{j}.attn.w_msa.qkv.weight",
  "layers.{k}.ln1.weight",
] as const;

/** By what whole networks of ours are known, once the other schemes are ruled out. */
const WHOLE = ["backbone.*", "decode_head.*", "encoder.conv1.*", "decoder.*"] as const;

/**
 * Our own names: those of mmsegmentation 0.x as DAFormer and FST use it, with the Mix
 * Transformer and the SegFormer head of DAFormer; and the `encoder.`, `decoder.` of the
 * semi-supervised networks.
 *
 * The encoders of this scheme may come without "backbone." and with a classifier.
 */
export const FST: Scheme = {
  name: "fst",
  what: "mmsegmentation 0.x, DAFormer and FST: backbone.*, decode_head.*",
  detect: (tensors) =>
    [...SIGNS, ...WHOLE].some((pattern) => anyFits(tensors.keys(), pattern)),
  rules: FST_RULES,
  mayLack: [...SWIN_MAY_LACK, ...BEIT_MAY_LACK],
};
