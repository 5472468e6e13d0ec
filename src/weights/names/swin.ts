/** Naming schemes of Swin. @module */

import {
  concatRule,
  dropRule,
  HEAD_RULES,
  ignoreRule,
  keepRule,
  type NamingScheme,
  renameRule,
  type Rule,
  transformRule,
  unsupportedRule,
} from "./naming_scheme.ts";
import { anyNameMatches } from "./pattern.ts";
import { concatRows, concatToUnfoldOrder } from "./tensor_transforms.ts";

/** Classifiers have one norm after the last stage, fst's Swin one after each stage. */
export const SWIN_ALLOW_MISSING: NamingScheme["allowMissing"] = [
  { parameters: "backbone.norm*", where: "backbone.stages.{i}.blocks.{j}.attn.w_msa.*" },
];

const BLOCK = "[backbone.]layers.{i}.blocks.{j}";
const TARGET_BLOCK = "backbone.stages.{i}.blocks.{j}";

/** The rules for patch merging at the end of a stage. */
const mergingRules = (downsample: string, stage: string): readonly Rule[] =>
  ["norm.*", "reduction.weight"].map((part) =>
    transformRule(
      `${downsample}.${part}`,
      `backbone.stages.${stage}.downsample.${part}`,
      concatToUnfoldOrder,
    )
  );

/**
 * The rules for the names of Microsoft and timm.
 *
 * @param stage The stage of fst that merges the patches that stage `{i}` of the file
 * merges.
 */
export function swinRules(stage: "{i}" | "{i-1}"): readonly Rule[] {
  return [
    unsupportedRule(
      `${BLOCK}.attn.logit_scale`,
      "it is a Swin V2, whose attention is another one than that of the Swin here",
    ),
    unsupportedRule(
      "[backbone.]absolute_pos_embed",
      "its Swin has absolute positions, which the Swin here does not have",
    ),
    ignoreRule(`${BLOCK}.attn_mask`),
    renameRule(`${BLOCK}.norm{n}.*`, `${TARGET_BLOCK}.norm{n}.*`),
    renameRule(`${BLOCK}.attn.*`, `${TARGET_BLOCK}.attn.w_msa.*`),
    renameRule(`${BLOCK}.mlp.fc1.*`, `${TARGET_BLOCK}.ffn.layers.0.0.*`),
    renameRule(`${BLOCK}.mlp.fc2.*`, `${TARGET_BLOCK}.ffn.layers.1.*`),
    ...mergingRules("[backbone.]layers.{i}.downsample", stage),
    renameRule("[backbone.]patch_embed.proj.*", "backbone.patch_embed.projection.*"),
    renameRule("[backbone.]patch_embed.norm.*", "backbone.patch_embed.norm.*"),
    renameRule("[backbone.]norm{i}.*", "backbone.norm{i}.*"),
    dropRule("[backbone.]norm.*"),
    dropRule("[backbone.]head.*"),
  ];
}

/**
 * Swin of its authors, as a classifier or (with "backbone.") in a segmentation network,
 * whose heads have fst's names; timm had these names before version 0.9.
 *
 * Sources: https://github.com/microsoft/Swin-Transformer, `models/swin_transformer.py`;
 * the order of merged patches as in mmsegmentation's
 * `tools/model_converters/swin2mmseg.py`.
 */
export const MICROSOFT_SWIN: NamingScheme = {
  name: "microsoft-swin",
  description: "Swin of Microsoft, and of timm before 0.9: layers.0.downsample.*",
  matches: (tensors) =>
    anyNameMatches(tensors, "[backbone.]layers.0.blocks.{j}.attn.qkv.weight") &&
    anyNameMatches(tensors, "[backbone.]layers.0.downsample.reduction.weight"),
  rules: [...swinRules("{i}"), ...HEAD_RULES],
  allowMissing: SWIN_ALLOW_MISSING,
};

const HF_PREFIX = "[backbone.swin.|swin.|backbone.]";
const HF_BLOCK = `${HF_PREFIX}encoder.layers.{i}.blocks.{j}`;

/** The rules for the attention of a block, whose parts have names of their own. */
const attentionRules = (
  [query, key, value, projection, positions]: readonly string[],
): readonly Rule[] => [
  concatRule(
    [query, key, value].map((part) => `${HF_BLOCK}.attention.${part}.*`),
    `${TARGET_BLOCK}.attn.w_msa.qkv.*`,
    concatRows,
  ),
  renameRule(
    `${HF_BLOCK}.attention.${projection}.*`,
    `${TARGET_BLOCK}.attn.w_msa.proj.*`,
  ),
  renameRule(
    `${HF_BLOCK}.attention.${positions}.relative_position_*`,
    `${TARGET_BLOCK}.attn.w_msa.relative_position_*`,
  ),
];

/** The rules for Hugging Face's Swin, which its UPerNet shares. */
const HUGGING_FACE_SWIN_RULES: readonly Rule[] = [
  unsupportedRule(
    `${HF_PREFIX}embeddings.position_embeddings`,
    "its Swin has absolute positions, which the Swin here does not have",
  ),
  renameRule(
    `${HF_PREFIX}embeddings.patch_embeddings.projection.*`,
    "backbone.patch_embed.projection.*",
  ),
  renameRule(`${HF_PREFIX}embeddings.norm.*`, "backbone.patch_embed.norm.*"),
  dropRule(`${HF_PREFIX}embeddings.mask_token`),
  renameRule(`${HF_BLOCK}.layernorm_before.*`, `${TARGET_BLOCK}.norm1.*`),
  renameRule(`${HF_BLOCK}.layernorm_after.*`, `${TARGET_BLOCK}.norm2.*`),
  ...attentionRules([
    ...["self.query", "self.key", "self.value"],
    "output.dense",
    "self",
  ]),
  ...attentionRules(["q_proj", "k_proj", "v_proj", "o_proj", "relative_position_bias"]),
  ...["intermediate.dense", "mlp.fc1"].map((name) =>
    renameRule(`${HF_BLOCK}.${name}.*`, `${TARGET_BLOCK}.ffn.layers.0.0.*`)
  ),
  ...["output.dense", "mlp.fc2"].map((name) =>
    renameRule(`${HF_BLOCK}.${name}.*`, `${TARGET_BLOCK}.ffn.layers.1.*`)
  ),
  ...mergingRules(`${HF_PREFIX}encoder.layers.{i}.downsample`, "{i}"),
  renameRule("[backbone.]hidden_states_norms.stage{n}.*", "backbone.norm{n-1}.*"),
  dropRule(`${HF_PREFIX}layernorm.*`),
  dropRule("classifier.*"),
  dropRule("decoder.*"),
];

/**
 * Swin of Hugging Face: queries, keys and values are separate, and patches are merged in
 * the order of Swin's authors. Version 5 of transformers renamed the parts of a block in
 * its state dicts, but not in the files of `save_pretrained`.
 *
 * Source: https://github.com/huggingface/transformers, `models/swin/modeling_swin.py` and
 * `models/upernet/convert_swin_upernet_to_pytorch.py`.
 */
export const HUGGING_FACE_SWIN: NamingScheme = {
  name: "hf-swin",
  description: "Swin of Hugging Face: swin.encoder.layers.*",
  matches: (tensors) =>
    anyNameMatches(tensors, `${HF_BLOCK}.layernorm_before.weight`) &&
    !anyNameMatches(tensors, "decode_head.*"),
  rules: HUGGING_FACE_SWIN_RULES,
  allowMissing: SWIN_ALLOW_MISSING,
};

/**
 * UPerNet of Hugging Face with a Swin: the head has mmsegmentation's names, except for
 * its norms and classifiers.
 *
 * Source: https://github.com/huggingface/transformers,
 * `models/upernet/modeling_upernet.py` and `convert_swin_upernet_to_pytorch.py`.
 */
export const HUGGING_FACE_UPERNET: NamingScheme = {
  name: "hf-upernet",
  description:
    "UPerNet of Hugging Face with a Swin: decode_head.fpn_bottleneck.batch_norm.*",
  matches: (tensors) =>
    anyNameMatches(tensors, "decode_head.fpn_bottleneck.batch_norm.weight"),
  rules: [
    unsupportedRule(
      "backbone.encoder.stages.*",
      "its encoder is a ConvNeXt or a ResNet with a plain stem, which no network here " +
        "has; a UPerNet with a Swin can be used",
    ),
    ...["decode_head", "auxiliary_head"].flatMap((head) => [
      renameRule(`${head}.classifier.*`, `${head}.conv_seg.*`),
      renameRule(`${head}.*.batch_norm.*`, `${head}.*.bn.*`),
      keepRule(`${head}.*.conv.weight`),
    ]),
    ...HUGGING_FACE_SWIN_RULES,
  ],
  allowMissing: [],
};
