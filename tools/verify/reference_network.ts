/** Networks as the PyTorch reference describes them in a golden's sidecar. @module */
import type { Decoder, Encoder, Network } from "../../src/core/network.ts";
import * as z from "../../src/core/zod.ts";
import { beit } from "../../src/models/beit.ts";
import { type DaformerFusion, daformerHead } from "../../src/models/daformer_head.ts";
import { deeplabV2Head } from "../../src/models/deeplab_v2_head.ts";
import { deeplabV3PlusHead } from "../../src/models/deeplab_v3_plus_head.ts";
import { fcnHead } from "../../src/models/fcn_head.ts";
import { feature2Pyramid, withNeck } from "../../src/models/feature2_pyramid.ts";
import { mit } from "../../src/models/mit.ts";
import { encoderDecoder } from "../../src/models/encoder_decoder.ts";
import { pspHead } from "../../src/models/psp_head.ts";
import {
  resnet,
  RESNET_DILATIONS,
  RESNET_PRESETS,
  RESNET_STAGE_STRIDES,
} from "../../src/models/resnet.ts";
import { segformerHead } from "../../src/models/segformer_head.ts";
import { swin } from "../../src/models/swin.ts";
import { upernetHead } from "../../src/models/upernet_head.ts";

const positiveInts = z.array(z.int().positive());
const onlyKnown = (list: readonly number[]) =>
  positiveInts.refine(
    (values) => values.join() === list.join(),
    `only ${list.join()} is known`,
  );

const MitBackbone = z.object({
  type: z.literal("MiT"),
  embed_dims: positiveInts,
  depths: positiveInts,
  num_heads: positiveInts,
  sr_ratios: positiveInts,
  drop_path_rate: z.number(),
});

const ResnetBackbone = z.object({
  type: z.literal("ResNetV1c"),
  depth: z.union([z.literal(50), z.literal(101)]),
  stem_channels: z.int().default(64),
  base_channels: z.int().default(64),
  strides: onlyKnown(RESNET_STAGE_STRIDES),
  dilations: onlyKnown(RESNET_DILATIONS),
  contract_dilation: z.literal(true),
});

const SwinBackbone = z.object({
  type: z.literal("SwinTransformer"),
  embed_dims: z.int(),
  depths: positiveInts,
  num_heads: positiveInts,
  window_size: z.int(),
  drop_path_rate: z.number(),
  patch_size: z.literal(4),
  strides: onlyKnown([4, 2, 2, 2]),
  mlp_ratio: z.literal(4),
  qkv_bias: z.literal(true),
  use_abs_pos_embed: z.literal(false),
});

const BeitBackbone = z.object({
  type: z.literal("BEiT"),
  embed_dims: z.int(),
  num_layers: z.int(),
  num_heads: z.int(),
  out_indices: z.array(z.int().nonnegative()),
  img_size: z.tuple([z.int(), z.int()]),
  drop_path_rate: z.number(),
  init_values: z.number(),
  patch_size: z.literal(16),
  mlp_ratio: z.literal(4),
  qv_bias: z.literal(true),
  norm_cfg: z.object({ eps: z.literal(1e-6) }),
});

const PyramidNeck = z.object({
  type: z.literal("Feature2Pyramid"),
  embed_dim: z.int(),
  rescales: z.tuple([z.literal(4), z.literal(2), z.literal(1), z.literal(0.5)]),
});

const DaformerHead = z.object({
  type: z.literal("DAFormerHead"),
  channels: z.int(),
  dropout_ratio: z.number(),
  num_classes: z.int(),
  decoder_params: z.object({
    fusion_cfg: z.object({
      type: z.enum(["aspp", "conv", "isa"]),
      sep: z.boolean().default(false),
      dilations: positiveInts.default([1, 6, 12, 18]),
    }),
  }),
});

const SegformerHead = z.object({
  type: z.literal("SegFormerHead"),
  channels: z.int(),
  dropout_ratio: z.number(),
  num_classes: z.int(),
  decoder_params: z.object({ embed_dim: z.int() }),
});

const DeeplabV2Head = z.object({
  type: z.literal("DLV2Head"),
  num_classes: z.int(),
  dilations: positiveInts,
});

const PspHead = z.object({
  type: z.literal("PSPHead"),
  channels: z.int(),
  dropout_ratio: z.number(),
  num_classes: z.int(),
  pool_scales: positiveInts,
});

const DeeplabV3PlusHead = z.object({
  type: z.literal("DepthwiseSeparableASPPHead"),
  channels: z.int(),
  dropout_ratio: z.number(),
  num_classes: z.int(),
  dilations: positiveInts,
  c1_channels: z.int(),
});

const UpernetHead = z.object({
  type: z.literal("UPerHead"),
  channels: z.int(),
  dropout_ratio: z.number(),
  num_classes: z.int(),
  pool_scales: positiveInts,
});

const FcnHead = z.object({
  type: z.literal("FCNHead"),
  in_index: z.int(),
  channels: z.int(),
  num_convs: z.int(),
  concat_input: z.literal(false),
  dropout_ratio: z.number(),
  num_classes: z.int(),
  loss_decode: z.object({ loss_weight: z.number() }),
});

/** mmsegmentation's description of an encoder and a decoder, as far as it is known here. */
export const ReferenceModel = z.object({
  backbone: z.discriminatedUnion("type", [
    MitBackbone,
    ResnetBackbone,
    SwinBackbone,
    BeitBackbone,
  ]),
  neck: PyramidNeck.optional(),
  decode_head: z.discriminatedUnion("type", [
    DaformerHead,
    SegformerHead,
    DeeplabV2Head,
    PspHead,
    DeeplabV3PlusHead,
    UpernetHead,
  ]),
  auxiliary_head: FcnHead.optional(),
});
type ReferenceModel = z.output<typeof ReferenceModel>;

/** Builds the network of a golden. */
export function referenceNetwork(
  { backbone, neck, decode_head: head, auxiliary_head: auxiliaryHead }: ReferenceModel,
): Network {
  const backboneEncoder = referenceEncoder(backbone);
  const encoder = neck === undefined
    ? backboneEncoder
    : withNeck(backboneEncoder, feature2Pyramid("neck", neck.embed_dim));
  const decoder = referenceDecoder(head, encoder.channels);
  const auxiliary = auxiliaryHead === undefined ? [] : [{
    decoder: fcnHead("auxiliary_head", encoder.channels, {
      classes: auxiliaryHead.num_classes,
      inIndex: auxiliaryHead.in_index,
      channels: auxiliaryHead.channels,
      convolutions: auxiliaryHead.num_convs,
      dropout: auxiliaryHead.dropout_ratio,
    }),
    lossWeight: auxiliaryHead.loss_decode.loss_weight,
  }];
  return encoderDecoder(encoder, decoder, head.num_classes, auxiliary);
}

/** The encoder of a golden's network before its neck, or null if it has none. */
export function referenceBackbone({ backbone, neck }: ReferenceModel): Encoder | null {
  return neck === undefined ? null : referenceEncoder(backbone);
}

function referenceEncoder(backbone: ReferenceModel["backbone"]): Encoder {
  switch (backbone.type) {
    case "MiT":
      return mit("backbone", {
        embedDims: backbone.embed_dims,
        depths: backbone.depths,
        numHeads: backbone.num_heads,
        srRatios: backbone.sr_ratios,
        dropPathRate: backbone.drop_path_rate,
      });
    case "SwinTransformer":
      return swin("backbone", {
        embedDim: backbone.embed_dims,
        depths: backbone.depths,
        numHeads: backbone.num_heads,
        windowSize: backbone.window_size,
        dropPathRate: backbone.drop_path_rate,
      });
    case "BEiT":
      return beit("backbone", {
        embedDim: backbone.embed_dims,
        depth: backbone.num_layers,
        numHeads: backbone.num_heads,
        outIndices: backbone.out_indices,
        imageSize: backbone.img_size,
        dropPathRate: backbone.drop_path_rate,
        layerScaleInit: backbone.init_values,
      });
    case "ResNetV1c":
      return resnet("backbone", {
        ...RESNET_PRESETS[`resnet-${backbone.depth}`],
        stemChannels: backbone.stem_channels,
        baseChannels: backbone.base_channels,
      });
  }
}

function referenceDecoder(
  head: ReferenceModel["decode_head"],
  widths: readonly number[],
): Decoder {
  const name = "decode_head";
  const classes = head.num_classes;
  switch (head.type) {
    case "SegFormerHead": {
      const channels = head.decoder_params.embed_dim;
      const options = { classes, channels, dropout: head.dropout_ratio };
      return segformerHead(name, widths, options, head.channels);
    }
    case "DAFormerHead": {
      const { type, sep, dilations } = head.decoder_params.fusion_cfg;
      const fusions: Record<typeof type, DaformerFusion> = {
        aspp: sep ? "separable-aspp" : "aspp",
        conv: "conv1",
        isa: "isa",
      };
      return daformerHead(name, widths, {
        classes,
        channels: head.channels,
        fusion: fusions[type],
        dilations,
        dropout: head.dropout_ratio,
      });
    }
    case "DLV2Head":
      return deeplabV2Head(name, widths, { classes, dilations: head.dilations });
    case "PSPHead":
      return pspHead(name, widths, {
        classes,
        channels: head.channels,
        poolScales: head.pool_scales,
        dropout: head.dropout_ratio,
      });
    case "UPerHead":
      return upernetHead(name, widths, {
        classes,
        channels: head.channels,
        poolScales: head.pool_scales,
        dropout: head.dropout_ratio,
      });
    case "DepthwiseSeparableASPPHead":
      return deeplabV3PlusHead(name, widths, {
        classes,
        channels: head.channels,
        lowLevelChannels: head.c1_channels,
        dilations: head.dilations,
        dropout: head.dropout_ratio,
      });
  }
}
