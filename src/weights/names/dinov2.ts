/** Naming schemes of DINOv2. @module */

import {
  concatRule,
  dropRule,
  keepRule,
  type NamingScheme,
  renameRule,
  type Rule,
  splitRule,
  unsupportedRule,
} from "./naming_scheme.ts";
import { anyNameMatches } from "./pattern.ts";
import { concatRows, splitRows } from "./tensor_transforms.ts";

/** What its blocks alone have, in fst's files, too. */
export const DINOV2_SIGNATURE = "[backbone.|encoder.]blocks.{k}.ls1.gamma";

/** timm, and configurations of Hugging Face, have no mask token. */
export const DINOV2_ALLOW_MISSING: NamingScheme["allowMissing"] = [
  { parameters: "backbone.mask_token", where: "backbone.blocks.{k}.ls1.gamma" },
];

/** The names inside of a block. */
const BLOCK_PARTS = [
  "norm{n}.*",
  "attn.qkv.*",
  "attn.proj.*",
  "ls{n}.gamma",
  "mlp.fc{n}.*",
] as const;

/** The names of the encoder, without the prefix that it has in networks. */
export const DINOV2_PATTERNS: readonly string[] = [
  "cls_token",
  "pos_embed",
  "register_tokens",
  "mask_token",
  "patch_embed.proj.*",
  ...BLOCK_PARTS.map((part) => `blocks.{k}.${part}`),
  "norm.*",
];

const ROOT = "[backbone.|encoder.]";
/** Blocks in groups, as files of the training code have them. */
const CHUNKED = `${ROOT}blocks.{c}.{k}`;

const swiGlu = (name: string): Rule =>
  unsupportedRule(
    name,
    "it is the DINOv2 of giant size with SwiGLU, and those here are small, base and large",
  );

/**
 * DINOv2 of its authors, alone ("vits14_pretrain") or in the networks of UniMatch V2
 * ("backbone.", "head.") and VFM-UDA ("encoder.", "upscale.", "out."). timm has these names
 * too, without registers.
 *
 * Source: https://github.com/facebookresearch/dinov2, `dinov2/models/vision_transformer.py`;
 * https://github.com/LiheYoung/UniMatch-V2, `model/semseg/dpt.py`;
 * https://github.com/tue-mps/vfm-uda, `models/vit_variants/vit_lightweight_head.py`.
 */
export const DINOV2: NamingScheme = {
  name: "dinov2",
  description: "DINOv2 of its authors, UniMatch V2 and VFM-UDA: blocks.0.ls1.gamma",
  matches: (tensors) =>
    [DINOV2_SIGNATURE, `${CHUNKED}.ls1.gamma`].some((pattern) =>
      anyNameMatches(tensors, pattern)
    ) && !anyNameMatches(tensors, "decode_head.*"),
  rules: [
    swiGlu(`${ROOT}blocks.{k}.mlp.w{n}.*`),
    swiGlu(`${CHUNKED}.mlp.w{n}.*`),
    unsupportedRule(
      `${ROOT}reg_token`,
      "timm has added the position of the class token to it where there are registers; " +
        "take the file of the authors or of Hugging Face",
    ),
    ...DINOV2_PATTERNS.map((part) => renameRule(ROOT + part, `backbone.${part}`)),
    ...BLOCK_PARTS.map((part) =>
      renameRule(`${CHUNKED}.${part}`, `backbone.blocks.{k}.${part}`)
    ),
    ...["projects.*", "resize_layers.*", "scratch.*"].map((part) =>
      renameRule(`head.${part}`, `decode_head.${part}`)
    ),
    ...["upscale.*", "out.weight"].map((part) => renameRule(part, `decode_head.${part}`)),
    dropRule("token_masking.mask_token"), // the encoder's own, once more
    dropRule("[dino_|ibot_]head.*"),
  ],
  allowMissing: DINOV2_ALLOW_MISSING,
};

const HF_ROOT = "[dinov2.|dinov2_with_registers.|backbone.]";
const HF_LAYER = `${HF_ROOT}encoder.layer.{k}`;
const TARGET_BLOCK = "backbone.blocks.{k}";

/** Queries, keys, values and projection: in files, and since version 5 in state dicts. */
const HF_ATTENTIONS = [
  [
    "attention.attention.query",
    "attention.attention.key",
    "attention.attention.value",
    "attention.output.dense",
  ],
  ["attention.q_proj", "attention.k_proj", "attention.v_proj", "attention.o_proj"],
] as const;

/**
 * DINOv2 of Hugging Face, with registers or without: queries, keys and values are separate.
 * Version 5 of transformers renamed them in state dicts, but not in the files of
 * `save_pretrained`.
 *
 * Source: https://github.com/huggingface/transformers, `models/dinov2/modeling_dinov2.py`
 * and `conversion_mapping.py`.
 */
export const HUGGING_FACE_DINOV2: NamingScheme = {
  name: "hf-dinov2",
  description: "DINOv2 of Hugging Face: encoder.layer.0.layer_scale1.lambda1",
  matches: (tensors) => anyNameMatches(tensors, `${HF_LAYER}.layer_scale1.lambda1`),
  rules: [
    ...["weights_in.*", "weights_out.*", "gate_proj.*", "up_proj.*", "down_proj.*"].map(
      (part) => swiGlu(`${HF_LAYER}.mlp.${part}`),
    ),
    ...["cls_token", "mask_token", "register_tokens"].map((token) =>
      renameRule(`${HF_ROOT}embeddings.${token}`, `backbone.${token}`)
    ),
    renameRule(`${HF_ROOT}embeddings.position_embeddings`, "backbone.pos_embed"),
    renameRule(
      `${HF_ROOT}embeddings.patch_embeddings.projection.*`,
      "backbone.patch_embed.proj.*",
    ),
    ...HF_ATTENTIONS.flatMap(([query, key, value, projection]) => [
      concatRule(
        [query, key, value].map((part) => `${HF_LAYER}.${part}.*`),
        `${TARGET_BLOCK}.attn.qkv.*`,
        concatRows,
      ),
      renameRule(`${HF_LAYER}.${projection}.*`, `${TARGET_BLOCK}.attn.proj.*`),
    ]),
    renameRule(`${HF_LAYER}.layer_scale{n}.lambda1`, `${TARGET_BLOCK}.ls{n}.gamma`),
    renameRule(`${HF_LAYER}.norm{n}.*`, `${TARGET_BLOCK}.norm{n}.*`),
    renameRule(`${HF_LAYER}.mlp.fc{n}.*`, `${TARGET_BLOCK}.mlp.fc{n}.*`),
    renameRule(`${HF_ROOT}layernorm.*`, "backbone.norm.*"),
    dropRule("classifier.*"),
  ],
  allowMissing: DINOV2_ALLOW_MISSING,
};

/** The rules from fst's names to those of DINOv2's authors. */
export const DINOV2_NAMES: readonly Rule[] = DINOV2_PATTERNS.map((part) =>
  renameRule(`backbone.${part}`, part)
);

/** The rules from fst's names to those of UniMatch V2's `DPT`. */
export const UNIMATCH_V2_NAMES: readonly Rule[] = [
  ...DINOV2_PATTERNS.map((part) => keepRule(`backbone.${part}`)),
  ...["projects.*", "resize_layers.*", "scratch.*"].map((part) =>
    renameRule(`decode_head.${part}`, `head.${part}`)
  ),
];

/** The rules from fst's names to those of VFM-UDA's `VITLightweightHead`. */
export const VFM_UDA_NAMES: readonly Rule[] = [
  // Its masking holds the encoder's token, too.
  splitRule(
    "backbone.mask_token",
    ["encoder.mask_token", "token_masking.mask_token"],
    (token) => [token, token],
  ),
  ...DINOV2_PATTERNS.map((part) => renameRule(`backbone.${part}`, `encoder.${part}`)),
  ...["upscale.*", "out.weight"].map((part) => renameRule(`decode_head.${part}`, part)),
];

/** The rules from fst's names to those in files of Hugging Face's `Dinov2Model`. */
export const HUGGING_FACE_DINOV2_NAMES: readonly Rule[] = [
  ...["cls_token", "mask_token", "register_tokens"].map((token) =>
    renameRule(`backbone.${token}`, `embeddings.${token}`)
  ),
  renameRule("backbone.pos_embed", "embeddings.position_embeddings"),
  renameRule("backbone.patch_embed.proj.*", "embeddings.patch_embeddings.projection.*"),
  splitRule(
    `${TARGET_BLOCK}.attn.qkv.*`,
    HF_ATTENTIONS[0].slice(0, 3).map((part) => `encoder.layer.{k}.${part}.*`),
    (value) => splitRows(value, [1, 1, 1]),
  ),
  renameRule(
    `${TARGET_BLOCK}.attn.proj.*`,
    `encoder.layer.{k}.${HF_ATTENTIONS[0][3]}.*`,
  ),
  renameRule(`${TARGET_BLOCK}.ls{n}.gamma`, "encoder.layer.{k}.layer_scale{n}.lambda1"),
  renameRule(`${TARGET_BLOCK}.norm{n}.*`, "encoder.layer.{k}.norm{n}.*"),
  renameRule(`${TARGET_BLOCK}.mlp.fc{n}.*`, "encoder.layer.{k}.mlp.fc{n}.*"),
  renameRule("backbone.norm.*", "layernorm.*"),
];
