/** Naming schemes of SegFormer and its encoder, the Mix Transformer. @module */

import { formatShape, type HostTensor } from "../../core/host_tensor.ts";
import { ENCODER_RULES, FST } from "./fst.ts";
import {
  concatRule,
  dropRule,
  HEAD_RULES,
  keepRule,
  type NamingScheme,
  renameRule,
  type Rule,
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
    ...["linear_fuse.bn.*", "linear_pred.*", "conv_seg.*"].map((part) =>
      keepRule(`decode_head.${part}`)
    ),
    ...ENCODER_RULES,
  ],
  allowMissing: [],
};

/** How the two generations of Hugging Face's names call the parts of an encoder. */
interface SegformerNames {
  readonly embedding: string;
  readonly norm: string;
  readonly block: string;
  readonly norms: readonly [string, string];
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly reduction: string;
  readonly reductionNorm: string;
  readonly projection: string;
  readonly fc: readonly [string, string];
}

const HF_SAVED: SegformerNames = {
  embedding: "[segformer.]encoder.patch_embeddings.{s}",
  norm: "[segformer.]encoder.layer_norm.{s}",
  block: "[segformer.]encoder.block.{s}.{k}",
  norms: ["layer_norm_1", "layer_norm_2"],
  query: "attention.self.query",
  key: "attention.self.key",
  value: "attention.self.value",
  reduction: "attention.self.sr",
  reductionNorm: "attention.self.layer_norm",
  projection: "attention.output.dense",
  fc: ["mlp.dense1", "mlp.dense2"],
};

/** Since version 5 of transformers, in state dicts. */
const HF_MODULES: SegformerNames = {
  embedding: "[segformer.]stages.{s}.patch_embeddings",
  norm: "[segformer.]stages.{s}.layer_norm",
  block: "[segformer.]stages.{s}.blocks.{k}",
  norms: ["layernorm_before", "layernorm_after"],
  query: "attention.q_proj",
  key: "attention.k_proj",
  value: "attention.v_proj",
  reduction: "attention.sequence_reduction.sequence_reduction",
  reductionNorm: "attention.sequence_reduction.layer_norm",
  projection: "attention.o_proj",
  fc: ["mlp.fc1", "mlp.fc2"],
};

const encoderRules = (
  { embedding, norm, block, norms, fc, ...attention }: SegformerNames,
): readonly Rule[] => {
  const inBlock = (name: string, target: string) =>
    renameRule(`${block}.${name}.*`, `${TARGET_BLOCK}.${target}.*`);
  return [
    renameRule(`${embedding}.proj.*`, "backbone.patch_embed{s+1}.proj.*"),
    renameRule(`${embedding}.layer_norm.*`, "backbone.patch_embed{s+1}.norm.*"),
    inBlock(norms[0], "norm1"),
    inBlock(norms[1], "norm2"),
    inBlock(attention.query, "attn.q"),
    concatRule(
      [`${block}.${attention.key}.*`, `${block}.${attention.value}.*`],
      `${TARGET_BLOCK}.attn.kv.*`,
      concatRows,
    ),
    inBlock(attention.reduction, "attn.sr"),
    inBlock(attention.reductionNorm, "attn.norm"),
    inBlock(attention.projection, "attn.proj"),
    inBlock(fc[0], "mlp.fc1"),
    inBlock("mlp.dwconv.dwconv", "mlp.dwconv.dwconv"),
    inBlock(fc[1], "mlp.fc2"),
    renameRule(`${norm}.*`, "backbone.norm{s+1}.*"),
  ];
};

/**
 * SegFormer of Hugging Face: keys and values are separate, stages are numbered from 0,
 * and levels are fused from coarse to fine. It lacks `conv_seg`, which is never used.
 * Version 5 of transformers renamed its parts in state dicts, but not in the files of
 * `save_pretrained`.
 *
 * Source: https://github.com/huggingface/transformers,
 * `models/segformer/modeling_segformer.py` and
 * `convert_segformer_original_to_pytorch.py`.
 */
export const HUGGING_FACE_SEGFORMER: NamingScheme = {
  name: "hf-segformer",
  description: "SegFormer of Hugging Face: segformer.encoder.*, segformer.stages.*",
  matches: (tensors) =>
    [HF_SAVED, HF_MODULES].some(({ embedding }) =>
      anyNameMatches(tensors, `${embedding}.proj.weight`)
    ),
  rules: [
    ...encoderRules(HF_SAVED),
    ...encoderRules(HF_MODULES),
    keepRule("decode_head.linear_c.{i}.proj.*"),
    renameRule(
      "decode_head.linear_projections.{i}.proj.*",
      "decode_head.linear_c.{i}.proj.*",
    ),
    transformRule(
      "decode_head.linear_fuse.weight",
      "decode_head.linear_fuse.conv.weight",
      reverseFusedLevels,
    ),
    renameRule("decode_head.batch_norm.*", "decode_head.linear_fuse.bn.*"),
    renameRule("decode_head.classifier.*", "decode_head.linear_pred.*"),
    dropRule("classifier.*"),
  ],
  allowMissing: [],
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
    ...ENCODER_RULES,
    ...HEAD_RULES,
  ],
  allowMissing: FST.allowMissing,
};
