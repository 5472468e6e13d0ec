import { BEIT_MAY_LACK } from "./may_lack.ts";
import { anyFits } from "./pattern.ts";
import { computed, leftOut, refused, renamed, type Rule, shared } from "./rule.ts";
import type { Scheme } from "./scheme.ts";

const BLOCK = "[backbone.]blocks.{k}";
const OURS = "backbone.layers.{k}";

/** The rows of BEiT as its authors and timm name it. */
export const BEIT_RULES: readonly Rule[] = [
  refused(
    "[backbone.]pos_embed",
    "its BEiT has absolute positions, which the BEiT here does not have",
  ),
  renamed(`${BLOCK}.norm{n}.*`, `${OURS}.ln{n}.*`),
  renamed(`${BLOCK}.attn.*`, `${OURS}.attn.*`),
  renamed(`${BLOCK}.gamma_{n}`, `${OURS}.gamma_{n}`),
  renamed(`${BLOCK}.mlp.fc1.*`, `${OURS}.ffn.layers.0.0.*`),
  renamed(`${BLOCK}.mlp.fc2.*`, `${OURS}.ffn.layers.1.*`),
  // Pretraining shares one table; every layer then goes on with a copy of it.
  shared(
    "[backbone.]rel_pos_bias.relative_position_bias_table",
    `${OURS}.attn.relative_position_bias_table`,
    `${BLOCK}.attn.qkv.weight`,
  ),
  computed("[backbone.]rel_pos_bias.relative_position_index"),
  renamed("[backbone.]cls_token", "backbone.cls_token"),
  renamed("[backbone.]patch_embed.proj.*", "backbone.patch_embed.projection.*"),
  renamed("[backbone.]fpn1.*", "neck.upsample_4x.*"),
  renamed("[backbone.]fpn2.*", "neck.upsample_2x.*"),
  leftOut("[backbone.]mask_token"),
  leftOut("[backbone.]lm_head.*"),
  leftOut("[backbone.]norm.*"),
  leftOut("[backbone.]fc_norm.*"),
  leftOut("[backbone.]head.*"),
];

/**
 * BEiT as its authors publish it, pretrained, fine-tuned or (with "backbone.") in a
 * segmentation network, whose heads have our names; timm has these names too.
 *
 * Source: https://github.com/microsoft/unilm, `beit/modeling_finetune.py`,
 * `beit/modeling_pretrain.py` and `beit/semantic_segmentation`.
 */
export const MICROSOFT_BEIT: Scheme = {
  name: "microsoft-beit",
  what: "BEiT of Microsoft and of timm: blocks.0.attn.q_bias",
  detect: (tensors) => anyFits(tensors.keys(), `${BLOCK}.attn.q_bias`),
  rules: BEIT_RULES,
  mayLack: BEIT_MAY_LACK,
};
