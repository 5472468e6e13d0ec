import { BEIT_ALLOW_MISSING } from "./beit.ts";
import { dropRule, type NamingScheme, renameRule, type Rule } from "./naming_scheme.ts";
import { anyNameMatches } from "./pattern.ts";
import { SWIN_ALLOW_MISSING } from "./swin.ts";

/** An encoder alone, without the prefix "backbone.". */
const BARE_ENCODER_PATTERNS = [
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
 * What published encoders have in addition: classifiers, the norm before them, and the
 * mask token of pretraining.
 */
const CLASSIFIER_PATTERNS = [
  "[backbone.]head.*",
  "[backbone.]fc.*",
  "[backbone.]norm.*",
  "[backbone.]fc_norm.*",
  "[backbone.]mask_token",
  "[backbone.]lm_head.*",
] as const;

/** The rules for fst's own names, with which other schemes end. */
export const FST_RULES: readonly Rule[] = [
  ...CLASSIFIER_PATTERNS.map(dropRule),
  ...BARE_ENCODER_PATTERNS.map((pattern) => renameRule(pattern, `backbone.${pattern}`)),
];

/** What identifies an encoder alone. */
const BARE_ENCODER_SIGNATURES = [
  "patch_embed1.proj.weight",
  "stem.0.weight",
  "stages.{i}.blocks.{j}.attn.w_msa.qkv.weight",
  "layers.{k}.ln1.weight",
] as const;

/** What identifies whole networks, once the other schemes are excluded. */
const WHOLE_NETWORK_SIGNATURES = [
  "backbone.*",
  "decode_head.*",
  "encoder.conv1.*",
  "decoder.*",
] as const;

/**
 * fst's own names: those of mmsegmentation 0.x as in DAFormer and FST, with the Mix
 * Transformer and the SegFormer head of DAFormer; and the `encoder.`, `decoder.` of the
 * semi-supervised networks.
 *
 * Encoders may lack the prefix "backbone." and may have a classifier.
 */
export const FST: NamingScheme = {
  name: "fst",
  description: "mmsegmentation 0.x, DAFormer and FST: backbone.*, decode_head.*",
  matches: (tensors) =>
    [...BARE_ENCODER_SIGNATURES, ...WHOLE_NETWORK_SIGNATURES].some((pattern) =>
      anyNameMatches(tensors, pattern)
    ),
  rules: FST_RULES,
  allowMissing: [...SWIN_ALLOW_MISSING, ...BEIT_ALLOW_MISSING],
};
