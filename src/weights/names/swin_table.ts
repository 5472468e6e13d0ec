/** What the schemes have in common that name Swin as its authors do. @module */

import { mergeToUnfold } from "./columns.ts";
import { changed, computed, leftOut, refused, renamed, type Rule } from "./rule.ts";

const BLOCK = "[backbone.]layers.{i}.blocks.{j}";
const OURS = "backbone.stages.{i}.blocks.{j}";

/**
 * The rows of Swin.
 *
 * @param stage Of ours, whose end merges the patches that stage `{i}` of the file merges.
 */
export function swinRules(stage: "{i}" | "{i-1}"): readonly Rule[] {
  const down = "[backbone.]layers.{i}.downsample";
  const ours = `backbone.stages.${stage}.downsample`;
  return [
    refused(
      `${BLOCK}.attn.logit_scale`,
      "it is a Swin V2, whose attention is another one than that of the Swin here",
    ),
    refused(
      "[backbone.]absolute_pos_embed",
      "its Swin has absolute positions, which the Swin here does not have",
    ),
    computed(`${BLOCK}.attn_mask`),
    renamed(`${BLOCK}.norm{n}.*`, `${OURS}.norm{n}.*`),
    renamed(`${BLOCK}.attn.*`, `${OURS}.attn.w_msa.*`),
    renamed(`${BLOCK}.mlp.fc1.*`, `${OURS}.ffn.layers.0.0.*`),
    renamed(`${BLOCK}.mlp.fc2.*`, `${OURS}.ffn.layers.1.*`),
    changed(`${down}.norm.*`, `${ours}.norm.*`, mergeToUnfold),
    changed(`${down}.reduction.weight`, `${ours}.reduction.weight`, mergeToUnfold),
    renamed("[backbone.]patch_embed.proj.*", "backbone.patch_embed.projection.*"),
    renamed("[backbone.]patch_embed.norm.*", "backbone.patch_embed.norm.*"),
    renamed("[backbone.]norm{i}.*", "backbone.norm{i}.*"),
    leftOut("[backbone.]norm.*"),
    leftOut("[backbone.]head.*"),
  ];
}
