import { mergeToUnfold } from "./columns.ts";
import { SWIN_MAY_LACK } from "./may_lack.ts";
import { anyFits } from "./pattern.ts";
import { changed, joined, leftOut, refused, renamed, type Rule } from "./rule.ts";
import { joinRows } from "./rows.ts";
import type { Scheme } from "./scheme.ts";

const ROOT = "[swin.|backbone.]";
const BLOCK = `${ROOT}encoder.layers.{i}.blocks.{j}`;
const OURS = "backbone.stages.{i}.blocks.{j}";
const DOWN = `${ROOT}encoder.layers.{i}.downsample`;

/** The rows of Hugging Face's Swin; they are also those of its UPerNet. */
export const HUGGING_FACE_SWIN_RULES: readonly Rule[] = [
  refused(
    `${ROOT}embeddings.position_embeddings`,
    "its Swin has absolute positions, which the Swin here does not have",
  ),
  renamed(
    `${ROOT}embeddings.patch_embeddings.projection.*`,
    "backbone.patch_embed.projection.*",
  ),
  renamed(`${ROOT}embeddings.norm.*`, "backbone.patch_embed.norm.*"),
  leftOut(`${ROOT}embeddings.mask_token`),
  renamed(`${BLOCK}.layernorm_before.*`, `${OURS}.norm1.*`),
  renamed(`${BLOCK}.layernorm_after.*`, `${OURS}.norm2.*`),
  joined(
    ["query", "key", "value"].map((part) => `${BLOCK}.attention.self.${part}.*`),
    `${OURS}.attn.w_msa.qkv.*`,
    joinRows,
  ),
  renamed(
    `${BLOCK}.attention.self.relative_position_*`,
    `${OURS}.attn.w_msa.relative_position_*`,
  ),
  renamed(`${BLOCK}.attention.output.dense.*`, `${OURS}.attn.w_msa.proj.*`),
  renamed(`${BLOCK}.intermediate.dense.*`, `${OURS}.ffn.layers.0.0.*`),
  renamed(`${BLOCK}.output.dense.*`, `${OURS}.ffn.layers.1.*`),
  changed(`${DOWN}.norm.*`, "backbone.stages.{i}.downsample.norm.*", mergeToUnfold),
  changed(
    `${DOWN}.reduction.weight`,
    "backbone.stages.{i}.downsample.reduction.weight",
    mergeToUnfold,
  ),
  renamed(`${ROOT}hidden_states_norms.stage{n}.*`, "backbone.norm{n-1}.*"),
  leftOut(`${ROOT}layernorm.*`),
  leftOut("classifier.*"),
  leftOut("decoder.*"),
];

/**
 * Swin of Hugging Face: queries, keys and values apart, patches merged in the order of
 * Swin's authors.
 *
 * Source: https://github.com/huggingface/transformers, `models/swin/modeling_swin.py` and
 * `models/upernet/convert_swin_upernet_to_pytorch.py`.
 */
export const HUGGING_FACE_SWIN: Scheme = {
  name: "hf-swin",
  what: "Swin of Hugging Face: swin.encoder.layers.*",
  detect: (tensors) =>
    anyFits(tensors.keys(), `${BLOCK}.layernorm_before.weight`) &&
    !anyFits(tensors.keys(), "decode_head.*"),
  rules: HUGGING_FACE_SWIN_RULES,
  mayLack: SWIN_MAY_LACK,
};
