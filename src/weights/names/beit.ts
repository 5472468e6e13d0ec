/** Naming schemes of BEiT. @module */

import {
  broadcastRule,
  concatRule,
  dropRule,
  HEAD_RULES,
  ignoreRule,
  keepRule,
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
  rules: [...BEIT_RULES, ...HEAD_RULES],
  allowMissing: BEIT_ALLOW_MISSING,
};

/** How the two generations of Hugging Face's names call the parts of an encoder. */
interface BeitNames {
  readonly layer: string;
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly projection: string;
  readonly fc1: string;
  readonly fc2: string;
  readonly positions: string;
  readonly sharedPositions: string;
}

const HF_SAVED: BeitNames = {
  layer: "[beit.]encoder.layer.{k}",
  query: "attention.attention.query",
  key: "attention.attention.key",
  value: "attention.attention.value",
  projection: "attention.output.dense",
  fc1: "intermediate.dense",
  fc2: "output.dense",
  positions: "attention.attention.relative_position_bias",
  sharedPositions: "[beit.]encoder.relative_position_bias",
};

/** Since version 5 of transformers, in state dicts. */
const HF_MODULES: BeitNames = {
  layer: "[beit.]layers.{k}",
  query: "attention.q_proj",
  key: "attention.k_proj",
  value: "attention.v_proj",
  projection: "attention.o_proj",
  fc1: "mlp.fc1",
  fc2: "mlp.fc2",
  positions: "relative_position_bias",
  sharedPositions: "[beit.]shared_position_bias",
};

const layerRules = (names: BeitNames): readonly Rule[] => {
  const part = (name: Exclude<keyof BeitNames, "layer" | "sharedPositions">) =>
    `${names.layer}.${names[name]}`;
  return [
    renameRule(`${names.layer}.layernorm_before.*`, `${TARGET_LAYER}.ln1.*`),
    renameRule(`${names.layer}.layernorm_after.*`, `${TARGET_LAYER}.ln2.*`),
    renameRule(`${names.layer}.lambda_{n}`, `${TARGET_LAYER}.gamma_{n}`),
    concatRule(
      [part("query"), part("key"), part("value")].map((name) => `${name}.weight`),
      `${TARGET_LAYER}.attn.qkv.weight`,
      concatRows,
    ),
    renameRule(`${part("query")}.bias`, `${TARGET_LAYER}.attn.q_bias`),
    renameRule(`${part("value")}.bias`, `${TARGET_LAYER}.attn.v_bias`),
    renameRule(
      `${part("positions")}.relative_position_*`,
      `${TARGET_LAYER}.attn.relative_position_*`,
    ),
    renameRule(`${part("projection")}.*`, `${TARGET_LAYER}.attn.proj.*`),
    renameRule(`${part("fc1")}.*`, `${TARGET_LAYER}.ffn.layers.0.0.*`),
    renameRule(`${part("fc2")}.*`, `${TARGET_LAYER}.ffn.layers.1.*`),
    broadcastRule(
      `${names.sharedPositions}.relative_position_bias_table`,
      `${TARGET_LAYER}.attn.relative_position_bias_table`,
      `${part("query")}.weight`,
    ),
    ignoreRule(`${names.sharedPositions}.relative_position_index`),
  ];
};

/** The rules for the pyramid and the heads, whose parts were renamed as well. */
const SEGMENTATION_RULES: readonly Rule[] = [
  renameRule("fpn1.*", "neck.upsample_4x.*"),
  renameRule("fpn2.*", "neck.upsample_2x.*"),
  renameRule("fpn.fpn1.conv_transpose1.*", "neck.upsample_4x.0.*"),
  renameRule("fpn.fpn1.normalization.*", "neck.upsample_4x.1.*"),
  renameRule("fpn.fpn1.conv_transpose2.*", "neck.upsample_4x.3.*"),
  renameRule("fpn.fpn2.*", "neck.upsample_2x.0.*"),
  ...[["convolution", "conv"], ["normalization", "bn"]].flatMap(([theirs, ours]) => [
    renameRule(
      `decode_head.psp_modules.blocks.{i}.conv.${theirs}.*`,
      `decode_head.psp_modules.{i}.1.${ours}.*`,
    ),
    renameRule(
      `decode_head.psp_bottleneck.${theirs}.*`,
      `decode_head.bottleneck.${ours}.*`,
    ),
    renameRule(`decode_head.*.${theirs}.*`, `decode_head.*.${ours}.*`),
    renameRule(`auxiliary_head.*.${theirs}.*`, `auxiliary_head.*.${ours}.*`),
  ]),
  ...["decode_head.*.conv.weight", "decode_head.*.bn.*"].map(keepRule),
  ...["auxiliary_head.*.conv.weight", "auxiliary_head.*.bn.*"].map(keepRule),
  renameRule("decode_head.classifier.*", "decode_head.conv_seg.*"),
  renameRule("auxiliary_head.classifier.*", "auxiliary_head.conv_seg.*"),
];

/**
 * BEiT of Hugging Face: queries, keys and values are separate; in the segmentation
 * network the pyramid is outside of the encoder. Version 5 of transformers renamed its
 * parts in state dicts, but not in the files of `save_pretrained`.
 *
 * Source: https://github.com/huggingface/transformers, `models/beit/modeling_beit.py` and
 * `convert_beit_unilm_to_pytorch.py`.
 */
export const HUGGING_FACE_BEIT: NamingScheme = {
  name: "hf-beit",
  description: "BEiT of Hugging Face: beit.encoder.layer.*, beit.layers.*",
  matches: (tensors) =>
    [HF_SAVED, HF_MODULES].some(({ layer, query }) =>
      anyNameMatches(tensors, `${layer}.${query}.weight`) &&
      anyNameMatches(tensors, `${layer}.lambda_1`)
    ),
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
    ...layerRules(HF_SAVED),
    ...layerRules(HF_MODULES),
    ...SEGMENTATION_RULES,
    dropRule("[beit.]layernorm.*"),
    dropRule("[beit.]pooler.*"),
    dropRule("classifier.*"),
    dropRule("lm_head.*"),
  ],
  allowMissing: BEIT_ALLOW_MISSING,
};
