/** Networks as the PyTorch reference describes them in a golden's sidecar. @module */
import type { Decoder, Encoder, Network } from "../core/network.ts";
import { z } from "../core/zod.ts";
import { daformerHead, type Fusion } from "../models/daformer_head.ts";
import { deeplabV2Head } from "../models/deeplab_v2_head.ts";
import { deeplabV3PlusHead } from "../models/deeplab_v3_plus_head.ts";
import { mit } from "../models/mit.ts";
import { network } from "../models/network.ts";
import { pspHead } from "../models/psp_head.ts";
import {
  resnet,
  RESNET_DILATIONS,
  RESNET_PRESETS,
  RESNET_STRIDES,
} from "../models/resnet.ts";
import { segformerHead } from "../models/segformer_head.ts";

const counts = z.array(z.int().positive());
const exactly = (list: readonly number[]) =>
  counts.refine((given) => given.join() === list.join(), `only ${list.join()} is known`);

const MitBackbone = z.object({
  type: z.literal("MiT"),
  embed_dims: counts,
  depths: counts,
  num_heads: counts,
  sr_ratios: counts,
  drop_path_rate: z.number(),
});

const ResnetBackbone = z.object({
  type: z.literal("ResNetV1c"),
  depth: z.union([z.literal(50), z.literal(101)]),
  stem_channels: z.int().default(64),
  base_channels: z.int().default(64),
  strides: exactly(RESNET_STRIDES),
  dilations: exactly(RESNET_DILATIONS),
  contract_dilation: z.literal(true),
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
      dilations: counts.default([1, 6, 12, 18]),
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
  dilations: counts,
});

const PspHead = z.object({
  type: z.literal("PSPHead"),
  channels: z.int(),
  dropout_ratio: z.number(),
  num_classes: z.int(),
  pool_scales: counts,
});

const DeeplabV3PlusHead = z.object({
  type: z.literal("DepthwiseSeparableASPPHead"),
  channels: z.int(),
  dropout_ratio: z.number(),
  num_classes: z.int(),
  dilations: counts,
  c1_channels: z.int(),
});

/** mmsegmentation's description of an encoder and a decoder, as far as it is known here. */
export const ReferenceModel = z.object({
  backbone: z.discriminatedUnion("type", [MitBackbone, ResnetBackbone]),
  decode_head: z.discriminatedUnion("type", [
    DaformerHead,
    SegformerHead,
    DeeplabV2Head,
    PspHead,
    DeeplabV3PlusHead,
  ]),
});
type ReferenceModel = z.output<typeof ReferenceModel>;

/** Builds the network of a golden. */
export function referenceNetwork(
  { backbone, decode_head: head }: ReferenceModel,
): Network {
  const encoder = referenceEncoder(backbone);
  return network(encoder, referenceDecoder(head, encoder.widths), head.num_classes);
}

function referenceEncoder(backbone: ReferenceModel["backbone"]): Encoder {
  switch (backbone.type) {
    case "MiT":
      return mit("backbone", {
        widths: backbone.embed_dims,
        depths: backbone.depths,
        heads: backbone.num_heads,
        reductions: backbone.sr_ratios,
        dropPath: backbone.drop_path_rate,
      });
    case "ResNetV1c":
      return resnet("backbone", {
        ...RESNET_PRESETS[`resnet-${backbone.depth}`],
        stem: backbone.stem_channels,
        planes: backbone.base_channels,
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
      const fusions: Record<typeof type, Fusion> = {
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
        bins: head.pool_scales,
        dropout: head.dropout_ratio,
      });
    case "DepthwiseSeparableASPPHead":
      return deeplabV3PlusHead(name, widths, {
        classes,
        channels: head.channels,
        fineChannels: head.c1_channels,
        dilations: head.dilations,
        dropout: head.dropout_ratio,
      });
  }
}
