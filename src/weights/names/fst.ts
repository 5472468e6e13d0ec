import { BEIT_ALLOW_MISSING } from "./beit.ts";
import { DINOV2_ALLOW_MISSING, DINOV2_PATTERNS, DINOV2_SIGNATURE } from "./dinov2.ts";
import { EFFICIENTNET_PATTERNS } from "./efficientnet.ts";
import {
  dropRule,
  HEAD_RULES,
  keepRule,
  type NamingScheme,
  renameRule,
  type Rule,
} from "./naming_scheme.ts";
import { anyNameMatches } from "./pattern.ts";
import { RESNET_BLOCK_PARTS } from "./resnet.ts";
import { SWIN_ALLOW_MISSING } from "./swin.ts";

const below = (parent: string, parts: readonly string[]): string[] =>
  parts.map((part) => `${parent}.${part}`);

/** The names of encoders, without the prefix "backbone." that they have in networks. */
const ENCODER_PATTERNS: readonly string[] = [
  // Mix Transformer
  ...below("patch_embed{s}", ["proj.*", "norm.*"]),
  ...below("block{s}.{k}", [
    "norm{n}.*",
    ...below("mlp", ["fc{n}.*", "dwconv.dwconv.*"]),
  ]),
  ...below("block{s}.{k}.attn", ["q.*", "kv.*", "sr.*", "norm.*", "proj.*"]),
  "norm{s}.*", // of Swin, too
  // ResNet V1c
  "stem.{i}.*",
  ...below("layer{s}.{k}", RESNET_BLOCK_PARTS),
  // Swin
  ...below("stages.{i}.blocks.{j}", ["norm{n}.*", "attn.w_msa.*", "ffn.layers.*"]),
  ...below("stages.{i}.downsample", ["norm.*", "reduction.*"]),
  "patch_embed.norm.*",
  // BEiT
  "patch_embed.projection.*", // of Swin, too
  ...below("layers.{k}", ["ln{n}.*", "gamma_{n}", "ffn.layers.*"]),
  ...below("layers.{k}.attn", ["qkv.*", "q_bias", "v_bias", "proj.*"]),
  "layers.{k}.attn.relative_position_*",
  ...DINOV2_PATTERNS, // the class token is of BEiT, too
  ...EFFICIENTNET_PATTERNS,
];

/**
 * What published encoders have in addition: classifiers, the norm before them, and the
 * mask token of pretraining. DINOv2 has a place for the latter two.
 */
const CLASSIFIER_RULES: readonly Rule[] = [
  ...["head.*", "fc.*", "fc_norm.*", "lm_head.*"].map((part) =>
    dropRule(`[backbone.]${part}`)
  ),
  ...["norm.*", "mask_token"].map((part) =>
    dropRule(`[backbone.]${part}`, DINOV2_SIGNATURE)
  ),
];

/** The rules for fst's own names of encoders, with which other schemes end. */
export const ENCODER_RULES: readonly Rule[] = [
  ...CLASSIFIER_RULES,
  ...ENCODER_PATTERNS.map((pattern) =>
    renameRule(`[backbone.]${pattern}`, `backbone.${pattern}`)
  ),
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
  rules: [
    ...ENCODER_RULES,
    ...HEAD_RULES,
    ...below("encoder", ["conv1.{i}.*", "bn1.*"]).map(keepRule),
    ...below("encoder.layer{s}.{k}", RESNET_BLOCK_PARTS).map(keepRule),
    ...["decoder.*", "auxor.*"].map(keepRule),
  ],
  allowMissing: [
    ...SWIN_ALLOW_MISSING,
    ...BEIT_ALLOW_MISSING,
    ...DINOV2_ALLOW_MISSING,
  ],
};
