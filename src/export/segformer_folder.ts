/**
 * A SegFormer as Hugging Face's `transformers` and `transformers.js` open it.
 *
 * Source: https://github.com/huggingface/transformers, `models/segformer/`; transformers.js
 * reads `onnx/model.onnx` beside the settings.
 *
 * @module
 */
import type { RunConfig } from "../config/schema.ts";
import { describeFormat, isRgbFormat } from "../core/host_batch.ts";
import { type HostTensor, numel } from "../core/host_tensor.ts";
import { weightsToHost } from "../core/weights.ts";
import { MIT_PRESETS } from "../models/mit.ts";
import { fillPattern, matchPattern } from "../weights/names/pattern.ts";
import { reverseFusedLevels, splitRows } from "../weights/names/tensor_transforms.ts";
import { safetensorsChunks } from "../weights/safetensors.ts";
import { MAX_FLOAT16 } from "./graph_builder.ts";
import { type ExportedNetwork, type GraphForm, makeOnnxFile } from "./onnx_model.ts";

/** A file of the folder: where it is in it, and its bytes in order. */
export interface FolderFile {
  readonly path: string;
  readonly contents: string | readonly Uint8Array[];
}

/** The names of the files; those that transformers reads come first. */
export const SEGFORMER_FILES = [
  "config.json",
  "preprocessor_config.json",
  "model.safetensors",
  "onnx/model.onnx",
] as const;

/** What transformers.js calls the input; it upsamples the logits itself. */
const TRANSFORMERS_FORM: GraphForm = { input: "pixel_values", isUpsampled: false };

const BLOCK = "segformer.encoder.block.{s-1}.{k}";

/** Patterns of fst's names and what becomes of them. */
const NAMES: readonly (readonly [from: string, to: string])[] = [
  ["backbone.patch_embed{s}.proj.*", "segformer.encoder.patch_embeddings.{s-1}.proj.*"],
  [
    "backbone.patch_embed{s}.norm.*",
    "segformer.encoder.patch_embeddings.{s-1}.layer_norm.*",
  ],
  ["backbone.block{s}.{k}.norm{n}.*", `${BLOCK}.layer_norm_{n}.*`],
  ["backbone.block{s}.{k}.attn.q.*", `${BLOCK}.attention.self.query.*`],
  ["backbone.block{s}.{k}.attn.sr.*", `${BLOCK}.attention.self.sr.*`],
  ["backbone.block{s}.{k}.attn.norm.*", `${BLOCK}.attention.self.layer_norm.*`],
  ["backbone.block{s}.{k}.attn.proj.*", `${BLOCK}.attention.output.dense.*`],
  ["backbone.block{s}.{k}.mlp.fc1.*", `${BLOCK}.mlp.dense1.*`],
  ["backbone.block{s}.{k}.mlp.dwconv.dwconv.*", `${BLOCK}.mlp.dwconv.dwconv.*`],
  ["backbone.block{s}.{k}.mlp.fc2.*", `${BLOCK}.mlp.dense2.*`],
  ["backbone.norm{s}.*", "segformer.encoder.layer_norm.{s-1}.*"],
  ["decode_head.linear_c.{i}.proj.*", "decode_head.linear_c.{i}.proj.*"],
  ["decode_head.linear_fuse.conv.weight", "decode_head.linear_fuse.weight"],
  ["decode_head.linear_fuse.bn.*", "decode_head.batch_norm.*"],
  ["decode_head.linear_pred.*", "decode_head.classifier.*"],
];
const KEY_VALUE = "backbone.block{s}.{k}.attn.kv.*";

/**
 * The files of the folder.
 *
 * @param half Whether weights are stored as float16; transformers computes in float32.
 * @param checkpoint Where the network was, for messages.
 * @throws {RangeError} If the network is no SegFormer, or a weight is too large for float16.
 */
export async function segformerFiles(
  exported: ExportedNetwork,
  config: RunConfig,
  half: boolean,
  checkpoint: string,
): Promise<FolderFile[]> {
  const { network, weights } = exported;
  const settings = JSON.stringify(segformerConfig(exported, config, checkpoint), null, 2);
  const tensors = new Map<string, HostTensor>();
  for (const [name, value] of await weightsToHost(network.parameters, weights)) {
    for (const [translated, part] of translate(name, value)) {
      tensors.set(translated, half ? halved(part, translated, checkpoint) : part);
    }
  }
  const options = { raw: true, half };
  const file = await makeOnnxFile(
    exported,
    options,
    config.data.cropSize,
    TRANSFORMERS_FORM,
  );
  const [configFile, preprocessor, model, onnx] = SEGFORMER_FILES;
  return [
    { path: configFile, contents: settings + "\n" },
    {
      path: preprocessor,
      contents: JSON.stringify(preprocessorConfig(exported), null, 2) + "\n",
    },
    { path: model, contents: safetensorsChunks(tensors, { format: "pt" }) },
    { path: onnx, contents: [file.bytes] },
  ];
}

// The names in transformers, which lacks the unused classifier and splits keys and values.
function translate(name: string, value: HostTensor): (readonly [string, HostTensor])[] {
  const keyValue = matchPattern(KEY_VALUE, name);
  if (keyValue !== null) {
    const parts = splitRows(value, [1, 1]);
    return ["key", "value"].flatMap((part, i) => {
      const half = parts[i];
      const translated = fillPattern(`${BLOCK}.attention.self.${part}.*`, keyValue);
      return half === undefined ? [] : [[translated, half] as const];
    });
  }
  for (const [from, to] of NAMES) {
    const captures = matchPattern(from, name);
    if (captures === null) continue;
    const isFuse = to === "decode_head.linear_fuse.weight";
    return [[fillPattern(to, captures), isFuse ? reverseFusedLevels(value) : value]];
  }
  return [];
}

function halved(value: HostTensor, name: string, checkpoint: string): HostTensor {
  if (value.dtype !== "F32") return value;
  const values = new Float32Array(value.bytes.slice().buffer, 0, numel(value.shape));
  const tooLarge = values.find((one) => Math.abs(one) > MAX_FLOAT16);
  if (tooLarge !== undefined) {
    throw new RangeError(
      `Cannot export "${checkpoint}" with --half: "${name}" holds ${tooLarge} and float16 ` +
        `ends at ${MAX_FLOAT16}; leave out --half`,
    );
  }
  const bytes = new Uint8Array(Float16Array.from(values).buffer);
  return { dtype: "F16", shape: value.shape, bytes };
}

function segformerConfig(
  { classes, network }: ExportedNetwork,
  { model: { encoder, decoder, multiResolution }, data }: RunConfig,
  checkpoint: string,
) {
  const shape = encoder.name === "mit"
    ? encoder
    : encoder.name in MIT_PRESETS
    ? MIT_PRESETS[encoder.name as keyof typeof MIT_PRESETS]
    : null;
  if (shape === null || decoder.name !== "segformer") {
    throw new RangeError(
      `Cannot export "${checkpoint}" with --format hf: that is for a "mit" encoder with a ` +
        `"segformer" decoder, and this is "${encoder.name}" with "${decoder.name}"; ` +
        "--format onnx takes every network",
    );
  }
  if (multiResolution !== null) {
    throw new RangeError(
      `Cannot export "${checkpoint}" with --format hf: transformers has no network of two ` +
        'resolutions, which "model.multiResolution" makes it; --format onnx takes every ' +
        "network",
    );
  }
  if (!isRgbFormat(data)) {
    throw new RangeError(
      `Cannot export "${checkpoint}" with --format hf: transformers reads RGB of 8 bits, ` +
        `and this network ${describeFormat(data)}; --format onnx takes every network`,
    );
  }
  const stages = shape.depths.length;
  const perStage = (first: number, other: number) =>
    Array.from({ length: stages }, (_, i) => i === 0 ? first : other);
  return {
    architectures: ["SegformerForSemanticSegmentation"],
    model_type: "segformer",
    num_channels: 3,
    num_encoder_blocks: stages,
    depths: shape.depths,
    sr_ratios: shape.srRatios,
    hidden_sizes: shape.embedDims,
    patch_sizes: perStage(7, 3),
    strides: perStage(4, 2),
    num_attention_heads: shape.numHeads,
    mlp_ratios: perStage(4, 4),
    hidden_act: "gelu",
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
    classifier_dropout_prob: decoder.dropout,
    drop_path_rate: "dropPathRate" in encoder ? encoder.dropPathRate : 0,
    layer_norm_eps: 1e-6,
    decoder_hidden_size: decoder.channels,
    reshape_last_stage: true,
    semantic_loss_ignore_index: 255,
    torch_dtype: "float32",
    num_labels: network.classCount,
    id2label: Object.fromEntries(classes.map(({ name }, i) => [i, name])),
    label2id: Object.fromEntries(classes.map(({ name }, i) => [name, i])),
  };
}

function preprocessorConfig({ normalization: { mean, std } }: ExportedNetwork) {
  const RANGE = 255;
  return {
    image_processor_type: "SegformerImageProcessor",
    do_resize: false,
    do_rescale: true,
    rescale_factor: 1 / RANGE,
    do_normalize: true,
    image_mean: mean.map((value) => value / RANGE),
    image_std: std.map((value) => value / RANGE),
    do_reduce_labels: false,
  };
}
