import { BEIT_MAY_LACK } from "./may_lack.ts";
import { anyFits } from "./pattern.ts";
import { computed, joined, leftOut, refused, renamed, shared } from "./rule.ts";
import { joinRows } from "./rows.ts";
import type { Scheme } from "./scheme.ts";

const ENCODER = "[beit.]encoder";
const LAYER = `${ENCODER}.layer.{k}`;
const ATTENTION = `${LAYER}.attention.attention`;
const OURS = "backbone.layers.{k}";

/**
 * BEiT of Hugging Face: queries, keys and values apart; in the segmentation network the
 * pyramid is beside the encoder and the head has our names but for its classifiers.
 *
 * Source: https://github.com/huggingface/transformers, `models/beit/modeling_beit.py` and
 * `convert_beit_unilm_to_pytorch.py`.
 */
export const HUGGING_FACE_BEIT: Scheme = {
  name: "hf-beit",
  what: "BEiT of Hugging Face: beit.encoder.layer.*",
  detect: (tensors) =>
    anyFits(tensors.keys(), `${ATTENTION}.query.weight`) &&
    anyFits(tensors.keys(), `${LAYER}.lambda_1`),
  rules: [
    refused(
      "[beit.]embeddings.position_embeddings",
      "its BEiT has absolute positions, which the BEiT here does not have",
    ),
    renamed("[beit.]embeddings.cls_token", "backbone.cls_token"),
    renamed(
      "[beit.]embeddings.patch_embeddings.projection.*",
      "backbone.patch_embed.projection.*",
    ),
    leftOut("[beit.]embeddings.mask_token"),
    renamed(`${LAYER}.layernorm_before.*`, `${OURS}.ln1.*`),
    renamed(`${LAYER}.layernorm_after.*`, `${OURS}.ln2.*`),
    renamed(`${LAYER}.lambda_{n}`, `${OURS}.gamma_{n}`),
    joined(
      ["query", "key", "value"].map((part) => `${ATTENTION}.${part}.weight`),
      `${OURS}.attn.qkv.weight`,
      joinRows,
    ),
    renamed(`${ATTENTION}.query.bias`, `${OURS}.attn.q_bias`),
    renamed(`${ATTENTION}.value.bias`, `${OURS}.attn.v_bias`),
    renamed(
      `${ATTENTION}.relative_position_bias.relative_position_*`,
      `${OURS}.attn.relative_position_*`,
    ),
    renamed(`${LAYER}.attention.output.dense.*`, `${OURS}.attn.proj.*`),
    renamed(`${LAYER}.intermediate.dense.*`, `${OURS}.ffn.layers.0.0.*`),
    renamed(`${LAYER}.output.dense.*`, `${OURS}.ffn.layers.1.*`),
    shared(
      `${ENCODER}.relative_position_bias.relative_position_bias_table`,
      `${OURS}.attn.relative_position_bias_table`,
      `${ATTENTION}.query.weight`,
    ),
    computed(`${ENCODER}.relative_position_bias.relative_position_index`),
    renamed("fpn1.*", "neck.upsample_4x.*"),
    renamed("fpn2.*", "neck.upsample_2x.*"),
    renamed("decode_head.classifier.*", "decode_head.conv_seg.*"),
    renamed("auxiliary_head.classifier.*", "auxiliary_head.conv_seg.*"),
    leftOut("[beit.]layernorm.*"),
    leftOut("[beit.]pooler.*"),
    leftOut("classifier.*"),
    leftOut("lm_head.*"),
  ],
  mayLack: BEIT_MAY_LACK,
};
