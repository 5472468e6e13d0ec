/** Naming schemes of SegFormer and its encoder, the Mix Transformer. @module */

import { formatShape, type HostTensor } from "../../core/host_tensor.ts";
import { FST, FST_RULES } from "./fst.ts";
import {
  concatRule,
  dropRule,
  type NamingScheme,
  renameRule,
  splitRule,
  transformRule,
  unsupportedRule,
} from "./naming_scheme.ts";
import { anyNameMatches } from "./pattern.ts";
import { concatRows, reverseFusedLevels, splitRows } from "./tensor_transforms.ts";

const TARGET_BLOCK = "backbone.block{s+1}.{k}";

/**
 * SegFormer of its authors. The encoder has fst's names; the head numbers its levels from
 * 1 and fuses them from coarse to fine.
 *
 * Source: https://github.com/NVlabs/SegFormer,
 * `mmseg/models/decode_heads/segformer_head.py`.
 */
export const NVLABS_SEGFORMER: NamingScheme = {
  name: "nvlabs-segformer",
  description: "SegFormer of NVlabs: decode_head.linear_c1.*",
  matches: (tensors) => anyNameMatches(tensors, "decode_head.linear_c1.proj.weight"),
  rules: [
    renameRule("decode_head.linear_c{i}.proj.*", "decode_head.linear_c.{i-1}.proj.*"),
    transformRule(
      "decode_head.linear_fuse.conv.weight",
      "decode_head.linear_fuse.conv.weight",
      reverseFusedLevels,
    ),
    renameRule("decode_head.linear_fuse.bn.*", "decode_head.linear_fuse.bn.*"),
    renameRule("decode_head.linear_pred.*", "decode_head.linear_pred.*"),
    renameRule("decode_head.conv_seg.*", "decode_head.conv_seg.*"),
    ...FST_RULES,
  ],
  allowMissing: [],
};

const HF_ENCODER = "[segformer.]encoder";
const HF_BLOCK = `${HF_ENCODER}.block.{s}.{k}`;

/**
 * SegFormer of Hugging Face: keys and values are separate, stages are numbered from 0,
 * and levels are fused from coarse to fine. It lacks `conv_seg`, which is never used.
 *
 * Source: https://github.com/huggingface/transformers,
 * `models/segformer/modeling_segformer.py` and
 * `convert_segformer_original_to_pytorch.py`.
 */
export const HUGGING_FACE_SEGFORMER: NamingScheme = {
  name: "hf-segformer",
  description: "SegFormer of Hugging Face: segformer.encoder.*",
  matches: (tensors) =>
    anyNameMatches(tensors, `${HF_ENCODER}.patch_embeddings.{s}.proj.weight`),
  rules: [
    renameRule(
      `${HF_ENCODER}.patch_embeddings.{s}.proj.*`,
      "backbone.patch_embed{s+1}.proj.*",
    ),
    renameRule(
      `${HF_ENCODER}.patch_embeddings.{s}.layer_norm.*`,
      "backbone.patch_embed{s+1}.norm.*",
    ),
    renameRule(`${HF_BLOCK}.layer_norm_1.*`, `${TARGET_BLOCK}.norm1.*`),
    renameRule(`${HF_BLOCK}.layer_norm_2.*`, `${TARGET_BLOCK}.norm2.*`),
    renameRule(`${HF_BLOCK}.attention.self.query.*`, `${TARGET_BLOCK}.attn.q.*`),
    concatRule(
      [`${HF_BLOCK}.attention.self.key.*`, `${HF_BLOCK}.attention.self.value.*`],
      `${TARGET_BLOCK}.attn.kv.*`,
      concatRows,
    ),
    renameRule(`${HF_BLOCK}.attention.self.sr.*`, `${TARGET_BLOCK}.attn.sr.*`),
    renameRule(`${HF_BLOCK}.attention.self.layer_norm.*`, `${TARGET_BLOCK}.attn.norm.*`),
    renameRule(`${HF_BLOCK}.attention.output.dense.*`, `${TARGET_BLOCK}.attn.proj.*`),
    renameRule(`${HF_BLOCK}.mlp.dense1.*`, `${TARGET_BLOCK}.mlp.fc1.*`),
    renameRule(`${HF_BLOCK}.mlp.dwconv.dwconv.*`, `${TARGET_BLOCK}.mlp.dwconv.dwconv.*`),
    renameRule(`${HF_BLOCK}.mlp.dense2.*`, `${TARGET_BLOCK}.mlp.fc2.*`),
    renameRule(`${HF_ENCODER}.layer_norm.{s}.*`, "backbone.norm{s+1}.*"),
    transformRule(
      "decode_head.linear_fuse.weight",
      "decode_head.linear_fuse.conv.weight",
      reverseFusedLevels,
    ),
    renameRule("decode_head.batch_norm.*", "decode_head.linear_fuse.bn.*"),
    renameRule("decode_head.classifier.*", "decode_head.linear_pred.*"),
    dropRule("classifier.*"),
  ],
  allowMissing: [{
    parameters: "decode_head.conv_seg.*",
    where: "decode_head.linear_pred.weight",
  }],
};

const MMSEG_STAGE = "[backbone.]layers.{s}";
const MMSEG_BLOCK = `${MMSEG_STAGE}.1.{k}`;

/** Converts a 1×1 convolution to a linear layer. */
function asLinear(value: HostTensor): HostTensor {
  const [outputs = 0, inputs = 0, ...kernel] = value.shape;
  if (kernel.some((side) => side !== 1)) {
    throw new RangeError(
      `Cannot make a weight of shape ${
        formatShape(value.shape)
      } linear: its kernel must ` +
        "be 1×1",
    );
  }
  return { ...value, shape: [outputs, inputs] };
}

/**
 * mmsegmentation's own Mix Transformer, since 0.18: stages are lists of embedding, blocks
 * and norm; queries, keys and values share one weight; linear layers are 1×1
 * convolutions. Its other encoders and heads have fst's names, but its SegFormer head
 * differs.
 *
 * Source: https://github.com/open-mmlab/mmsegmentation, `mmseg/models/backbones/mit.py`,
 * `decode_heads/segformer_head.py` and `tools/model_converters/mit2mmseg.py`.
 */
export const MMSEG: NamingScheme = {
  name: "mmseg",
  description: "Mix Transformer of mmsegmentation, 0.18 to 1.x: backbone.layers.0.1.0.*",
  matches: (tensors) =>
    anyNameMatches(tensors, `${MMSEG_STAGE}.0.projection.weight`) ||
    anyNameMatches(tensors, "decode_head.fusion_conv.conv.weight"),
  rules: [
    unsupportedRule(
      "decode_head.fusion_conv.*",
      "mmsegmentation's SegFormer head has a norm and a ReLU for each level before it " +
        "fuses them, and the one here, as that of the authors, has none; take the encoder " +
        'alone with the prefix "backbone."',
    ),
    renameRule(`${MMSEG_STAGE}.0.projection.*`, "backbone.patch_embed{s+1}.proj.*"),
    renameRule(`${MMSEG_STAGE}.0.norm.*`, "backbone.patch_embed{s+1}.norm.*"),
    renameRule(`${MMSEG_BLOCK}.norm{n}.*`, `${TARGET_BLOCK}.norm{n}.*`),
    splitRule(
      `${MMSEG_BLOCK}.attn.attn.in_proj_*`,
      [`${TARGET_BLOCK}.attn.q.*`, `${TARGET_BLOCK}.attn.kv.*`],
      (value) => splitRows(value, [1, 2]),
    ),
    renameRule(`${MMSEG_BLOCK}.attn.attn.out_proj.*`, `${TARGET_BLOCK}.attn.proj.*`),
    renameRule(`${MMSEG_BLOCK}.attn.sr.*`, `${TARGET_BLOCK}.attn.sr.*`),
    renameRule(`${MMSEG_BLOCK}.attn.norm.*`, `${TARGET_BLOCK}.attn.norm.*`),
    transformRule(
      `${MMSEG_BLOCK}.ffn.layers.0.weight`,
      `${TARGET_BLOCK}.mlp.fc1.weight`,
      asLinear,
    ),
    renameRule(`${MMSEG_BLOCK}.ffn.layers.0.bias`, `${TARGET_BLOCK}.mlp.fc1.bias`),
    renameRule(`${MMSEG_BLOCK}.ffn.layers.1.*`, `${TARGET_BLOCK}.mlp.dwconv.dwconv.*`),
    transformRule(
      `${MMSEG_BLOCK}.ffn.layers.4.weight`,
      `${TARGET_BLOCK}.mlp.fc2.weight`,
      asLinear,
    ),
    renameRule(`${MMSEG_BLOCK}.ffn.layers.4.bias`, `${TARGET_BLOCK}.mlp.fc2.bias`),
    renameRule(`${MMSEG_STAGE}.2.*`, "backbone.norm{s+1}.*"),
    ...FST_RULES,
  ],
  allowMissing: FST.allowMissing,
};
