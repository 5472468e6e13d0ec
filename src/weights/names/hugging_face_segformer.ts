import { reversedLevels } from "./columns.ts";
import { anyFits } from "./pattern.ts";
import { changed, joined, leftOut, renamed } from "./rule.ts";
import { joinRows } from "./rows.ts";
import type { Scheme } from "./scheme.ts";

const ENCODER = "[segformer.]encoder";
const BLOCK = `${ENCODER}.block.{s}.{k}`;
const OURS = "backbone.block{s+1}.{k}";

/**
 * SegFormer of Hugging Face: keys and values apart, stages counted from 0, levels fused
 * from coarse to fine. It has no `conv_seg`, which is never used.
 *
 * Source: https://github.com/huggingface/transformers,
 * `models/segformer/modeling_segformer.py` and `convert_segformer_original_to_pytorch.py`.
 */
export const HUGGING_FACE_SEGFORMER: Scheme = {
  name: "hf-segformer",
  what: "SegFormer of Hugging Face: segformer.encoder.*",
  detect: (tensors) =>
    anyFits(tensors.keys(), `${ENCODER}.patch_embeddings.{s}.proj.weight`),
  rules: [
    renamed(`${ENCODER}.patch_embeddings.{s}.proj.*`, "backbone.patch_embed{s+1}.proj.*"),
    renamed(
      `${ENCODER}.patch_embeddings.{s}.layer_norm.*`,
      "backbone.patch_embed{s+1}.norm.*",
    ),
    renamed(`${BLOCK}.layer_norm_1.*`, `${OURS}.norm1.*`),
    renamed(`${BLOCK}.layer_norm_2.*`, `${OURS}.norm2.*`),
    renamed(`${BLOCK}.attention.self.query.*`, `${OURS}.attn.q.*`),
    joined(
      [`${BLOCK}.attention.self.key.*`, `${BLOCK}.attention.self.value.*`],
      `${OURS}.attn.kv.*`,
      joinRows,
    ),
    renamed(`${BLOCK}.attention.self.sr.*`, `${OURS}.attn.sr.*`),
    renamed(`${BLOCK}.attention.self.layer_norm.*`, `${OURS}.attn.norm.*`),
    renamed(`${BLOCK}.attention.output.dense.*`, `${OURS}.attn.proj.*`),
    renamed(`${BLOCK}.mlp.dense1.*`, `${OURS}.mlp.fc1.*`),
    renamed(`${BLOCK}.mlp.dwconv.dwconv.*`, `${OURS}.mlp.dwconv.dwconv.*`),
    renamed(`${BLOCK}.mlp.dense2.*`, `${OURS}.mlp.fc2.*`),
    renamed(`${ENCODER}.layer_norm.{s}.*`, "backbone.norm{s+1}.*"),
    changed(
      "decode_head.linear_fuse.weight",
      "decode_head.linear_fuse.conv.weight",
      reversedLevels,
    ),
    renamed("decode_head.batch_norm.*", "decode_head.linear_fuse.bn.*"),
    renamed("decode_head.classifier.*", "decode_head.linear_pred.*"),
    leftOut("classifier.*"),
  ],
  mayLack: [{
    parameters: "decode_head.conv_seg.*",
    where: "decode_head.linear_pred.weight",
  }],
};
