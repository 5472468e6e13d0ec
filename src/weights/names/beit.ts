/** Naming schemes of BEiT. @module */

import {
  broadcastRule,
  concatRule,
  dropRule,
  ignoreRule,
  type NamingScheme,
  renameRule,
  type Rule,
  unsupportedRule,
} from "./naming_scheme.ts";
import { anyNameMatches } from "./pattern.ts";
import { concatRows } from "./tensor_transforms.ts";

/** Classifiers have no feature pyramid. */
export const BEIT_ALLOW_MISSING: NamingScheme["allowMissing"] = [
  { parameters: "neck.*", where: "backbone.layers.{k}.ln1.*" },
];

const BLOCK = "[backbone.]blocks.{k}";
const TARGET_LAYER = "backbone.layers.{k}";

/** The rules for the names of the authors and of timm. */
export const BEIT_RULES: readonly Rule[] = [
  unsupportedRule(
    "[backbone.]pos_embed",
    "its BEiT has absolute positions, which the BEiT here does not have",
  ),
  renameRule(`${BLOCK}.norm{n}.*`, `${TARGET_LAYER}.ln{n}.*`),
  renameRule(`${BLOCK}.attn.*`, `${TARGET_LAYER}.attn.*`),
  renameRule(`${BLOCK}.gamma_{n}`, `${TARGET_LAYER}.gamma_{n}`),
  renameRule(`${BLOCK}.mlp.fc1.*`, `${TARGET_LAYER}.ffn.layers.0.0.*`),
  renameRule(`${BLOCK}.mlp.fc2.*`, `${TARGET_LAYER}.ffn.layers.1.*`),
  // Pretraining shares one table; fine-tuning gives every layer a copy.
  broadcastRule(
    "[backbone.]rel_pos_bias.relative_position_bias_table",
    `${TARGET_LAYER}.attn.relative_position_bias_table`,
    `${BLOCK}.attn.qkv.weight`,
  ),
  ignoreRule("[backbone.]rel_pos_bias.relative_position_index"),
  renameRule("[backbone.]cls_token", "backbone.cls_token"),
  renameRule("[backbone.]patch_embed.proj.*", "backbone.patch_embed.projection.*"),
  renameRule("[backbone.]fpn1.*", "neck.upsample_4x.*"),
  renameRule("[backbone.]fpn2.*", "neck.upsample_2x.*"),
  dropRule("[backbone.]mask_token"),
  dropRule("[backbone.]lm_head.*"),
  dropRule("[backbone.]norm.*"),
  dropRule("[backbone.]fc_norm.*"),
  dropRule("[backbone.]head.*"),
];

/**
 * BEiT of its authors, pretrained, fine-tuned or (with "backbone.") in a segmentation
 * network, whose heads have fst's names; timm has these names too.
 *
 * Source: https://github.com/microsoft/unilm, `beit/modeling_finetune.py`,
 * `beit/modeling_pretrain.py` and `beit/semantic_segmentation`.
 */
export const MICROSOFT_BEIT: NamingScheme = {
  name: "microsoft-beit",
  description: "BEiT of Microsoft and of timm: blocks.0.attn.q_bias",
  matches: (tensors) => anyNameMatches(tensors, `${BLOCK}.attn.q_bias`),
  rules: BEIT_RULES,
  allowMissing: BEIT_ALLOW_MISSING,
};

const HF_ENCODER = "[beit.]encoder";
const HF_LAYER = `${HF_ENCODER}.layer.{k}`;
const HF_ATTENTION = `${HF_LAYER}.attention.attention`;

/**
 * BEiT of Hugging Face: queries, keys and values are separate; in the segmentation
 * network the pyramid is outside of the encoder, and only the head's classifiers are
 * renamed.
 *
 * Source: https://github.com/huggingface/transformers, `models/beit/modeling_beit.py` and
 * `convert_beit_unilm_to_pytorch.py`.
 */
export const HUGGING_FACE_BEIT: NamingScheme = {
  name: "hf-beit",
  description: "BEiT of Hugging Face: beit.encoder.layer.*",
  matches: (tensors) =>
    anyNameMatches(tensors, `${HF_ATTENTION}.query.weight`) &&
    anyNameMatches(tensors, `${HF_LAYER}.lambda_1`),
  rules: [
    unsupportedRule(
      "[beit.]embeddings.position_embeddings",
      "its BEiT has absolute positions, which the BEiT here does not have",
    ),
    renameRule("[beit.]embeddings.cls_token", "backbone.cls_token"),
    renameRule(
      "[beit.]embeddings.patch_embeddings.projection.*",
      "backbone.patch_embed.projection.*",
    ),
    dropRule("[beit.]embeddings.mask_token"),
    renameRule(`${HF_LAYER}.layernorm_before.*`, `${TARGET_LAYER}.ln1.*`),
    renameRule(`${HF_LAYER}.layernorm_after.*`, `${TARGET_LAYER}.ln2.*`),
    renameRule(`${HF_LAYER}.lambda_{n}`, `${TARGET_LAYER}.gamma_{n}`),
    concatRule(
      ["query", "key", "value"].map((part) => `${HF_ATTENTION}.${part}.weight`),
      `${TARGET_LAYER}.attn.qkv.weight`,
      concatRows,
    ),
    renameRule(`${HF_ATTENTION}.query.bias`, `${TARGET_LAYER}.attn.q_bias`),
    renameRule(`${HF_ATTENTION}.value.bias`, `${TARGET_LAYER}.attn.v_bias`),
    renameRule(
      `${HF_ATTENTION}.relative_position_bias.relative_position_*`,
      `${TARGET_LAYER}.attn.relative_position_*`,
    ),
    renameRule(`${HF_LAYER}.attention.output.dense.*`, `${TARGET_LAYER}.attn.proj.*`),
    renameRule(`${HF_LAYER}.intermediate.dense.*`, `${TARGET_LAYER}.ffn.layers.0.0.*`),
    renameRule(`${HF_LAYER}.output.dense.*`, `${TARGET_LAYER}.ffn.layers.1.*`),
    broadcastRule(
      `${HF_ENCODER}.relative_position_bias.relative_position_bias_table`,
      `${TARGET_LAYER}.attn.relative_position_bias_table`,
      `${HF_ATTENTION}.query.weight`,
    ),
    ignoreRule(`${HF_ENCODER}.relative_position_bias.relative_position_index`),
    renameRule("fpn1.*", "neck.upsample_4x.*"),
    renameRule("fpn2.*", "neck.upsample_2x.*"),
    renameRule("decode_head.classifier.*", "decode_head.conv_seg.*"),
    renameRule("auxiliary_head.classifier.*", "auxiliary_head.conv_seg.*"),
    dropRule("[beit.]layernorm.*"),
    dropRule("[beit.]pooler.*"),
    dropRule("classifier.*"),
    dropRule("lm_head.*"),
  ],
  allowMissing: BEIT_ALLOW_MISSING,
};
