/** Networks as the PyTorch reference describes them in a golden's sidecar. @module */
import type { Decoder, Encoder, Network } from "../../src/core/network.ts";
import * as z from "../../src/core/zod.ts";
import { beit } from "../../src/models/beit.ts";
import { daformerHead } from "../../src/models/daformer_head.ts";
import { deeplabV2Head } from "../../src/models/deeplab_v2_head.ts";
import { deeplabV3PlusHead } from "../../src/models/deeplab_v3_plus_head.ts";
import { efficientnetLite } from "../../src/models/efficientnet_lite.ts";
import { fcnHead } from "../../src/models/fcn_head.ts";
import { feature2Pyramid, withNeck } from "../../src/models/feature2_pyramid.ts";
import { lrasppHead } from "../../src/models/lraspp_head.ts";
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

/** A setting of the reference that only this value of it is known of here. */
const fixed = <T extends string | number | boolean | null>(value: T) =>
  z.literal(value).optional();
const fixedList = (list: readonly number[]) =>
  z.array(z.number()).refine(
    (values) => values.join() === list.join(),
    `must be ${list.join()}: nothing else is known`,
  );

const layerNorm = z.strictObject({
  type: z.literal("LN"),
  eps: fixed(1e-6),
  requires_grad: fixed(true),
}).optional();
const batchNorm = z.strictObject({
  type: z.literal("BN"),
  requires_grad: fixed(true),
}).optional();
const gelu = z.strictObject({ type: z.literal("GELU") }).optional();
const relu = z.strictObject({ type: z.literal("ReLU") }).optional();
const crossEntropy = z.strictObject({
  type: z.literal("CrossEntropyLoss"),
  use_sigmoid: fixed(false),
  loss_weight: fixed(1),
}).optional();

const allStages = fixedList([0, 1, 2, 3]).optional();

const MitBackbone = z.strictObject({
  type: z.literal("MiT"),
  embed_dims: positiveInts,
  depths: positiveInts,
  num_heads: positiveInts,
  sr_ratios: positiveInts,
  drop_path_rate: z.number(),
  patch_size: fixed(4),
  mlp_ratios: fixedList([4, 4, 4, 4]).optional(),
  qkv_bias: fixed(true),
  drop_rate: fixed(0),
  attn_drop_rate: fixed(0),
  norm_eps: fixed(1e-6),
});

const ResnetBackbone = z.strictObject({
  type: z.literal("ResNetV1c"),
  depth: z.literal([50, 101]),
  stem_channels: z.int().default(64),
  base_channels: z.int().default(64),
  strides: fixedList(RESNET_STAGE_STRIDES),
  dilations: fixedList(RESNET_DILATIONS),
  contract_dilation: z.literal(true),
  num_stages: fixed(4),
  out_indices: allStages,
  norm_cfg: batchNorm,
  norm_eval: fixed(false),
  style: fixed("pytorch"),
});

const SwinBackbone = z.strictObject({
  type: z.literal("SwinTransformer"),
  embed_dims: z.int(),
  depths: positiveInts,
  num_heads: positiveInts,
  window_size: z.int(),
  drop_path_rate: z.number(),
  pretrain_img_size: z.int().optional(), // of absolute positions
  patch_size: z.literal(4),
  strides: fixedList([4, 2, 2, 2]),
  mlp_ratio: z.literal(4),
  qkv_bias: z.literal(true),
  qk_scale: fixed(null),
  patch_norm: fixed(true),
  drop_rate: fixed(0),
  attn_drop_rate: fixed(0),
  use_abs_pos_embed: z.literal(false),
  out_indices: allStages,
  act_cfg: gelu,
  norm_cfg: z.strictObject({ type: z.literal("LN"), requires_grad: fixed(true) })
    .optional(),
});

const BeitBackbone = z.strictObject({
  type: z.literal("BEiT"),
  embed_dims: z.int(),
  num_layers: z.int(),
  num_heads: z.int(),
  out_indices: z.array(z.int().nonnegative()),
  img_size: z.tuple([z.int(), z.int()]),
  drop_path_rate: z.number(),
  init_values: z.number(),
  patch_size: z.literal(16),
  in_channels: fixed(3),
  mlp_ratio: z.literal(4),
  qv_bias: z.literal(true),
  attn_drop_rate: fixed(0),
  act_cfg: gelu,
  norm_cfg: layerNorm.unwrap().required({ eps: true }),
  norm_eval: fixed(false),
});

const EfficientnetLiteBackbone = z.strictObject({
  type: z.literal("EfficientNetLite"),
  width_coefficient: z.number(),
  depth_coefficient: z.number(),
  batch_norm_epsilon: fixed(1e-3),
  batch_norm_momentum: fixed(0.99),
  survival_prob: fixed(1),
});

const PyramidNeck = z.strictObject({
  type: z.literal("Feature2Pyramid"),
  embed_dim: z.int(),
  rescales: fixedList([4, 2, 1, 0.5]),
  norm_cfg: batchNorm,
});

/** What all heads have; how many channels they get is that of the encoder. */
const anyHead = z.object({
  num_classes: z.int(),
  in_channels: z.union([z.int(), positiveInts]).optional(),
  align_corners: fixed(false),
  loss_decode: crossEntropy,
}).shape;
const headWithNorm = z.object({
  ...anyHead,
  channels: z.int(),
  dropout_ratio: z.number(),
  norm_cfg: batchNorm,
}).shape;

const Embedding = z.strictObject({
  type: z.literal("mlp"),
  act_cfg: fixed(null),
  norm_cfg: fixed(null),
}).optional();
const convModule = z.object({ act_cfg: relu, norm_cfg: batchNorm }).shape;

const DaformerHead = z.strictObject({
  type: z.literal("DAFormerHead"),
  ...headWithNorm,
  in_index: allStages,
  decoder_params: z.strictObject({
    embed_dims: z.int().optional(),
    embed_cfg: Embedding,
    embed_neck_cfg: Embedding,
    fusion_cfg: z.discriminatedUnion("type", [
      z.strictObject({
        type: z.literal("aspp"),
        sep: z.boolean().default(false),
        dilations: positiveInts.default([1, 6, 12, 18]),
        pool: z.boolean().default(false),
        context_cfg: fixed(null),
        align_corners: fixed(false),
        ...convModule,
      }),
      z.strictObject({
        type: z.literal("conv"),
        kernel_size: fixed(1),
        ...convModule,
      }),
      z.strictObject({
        type: z.literal("isa"),
        isa_channels: z.int().optional(),
        key_query_num_convs: fixed(1),
        down_factor: fixedList([8, 8]).optional(),
        ...convModule,
      }),
    ]),
  }),
});

const SegformerHead = z.strictObject({
  type: z.literal("SegFormerHead"),
  ...headWithNorm,
  in_index: allStages,
  decoder_params: z.strictObject({
    embed_dim: z.int(),
    conv_kernel_size: z.literal([1, 3]).default(1),
  }),
});

const DeeplabV2Head = z.strictObject({
  type: z.literal("DLV2Head"),
  ...anyHead,
  in_index: fixed(3),
  dilations: positiveInts,
});

const PspHead = z.strictObject({
  type: z.literal("PSPHead"),
  ...headWithNorm,
  in_index: fixed(3),
  pool_scales: positiveInts,
});

const DeeplabV3PlusHead = z.strictObject({
  type: z.literal("DepthwiseSeparableASPPHead"),
  ...headWithNorm,
  in_index: fixed(3),
  dilations: positiveInts,
  c1_in_channels: z.int().optional(),
  c1_channels: z.int(),
});

const UpernetHead = z.strictObject({
  type: z.literal("UPerHead"),
  ...headWithNorm,
  in_index: allStages,
  pool_scales: positiveInts,
});

const LrasppHead = z.strictObject({
  type: z.literal("LRASPPHead"),
  ...anyHead,
  in_index: z.tuple([z.int(), z.literal(3)]),
  inter_channels: z.int(),
});

const FcnHead = z.strictObject({
  type: z.literal("FCNHead"),
  ...headWithNorm,
  in_index: z.int(),
  num_convs: z.int(),
  concat_input: z.literal(false),
  loss_decode: crossEntropy.unwrap().extend({ loss_weight: z.number() }),
});

/**
 * mmsegmentation's description of an encoder and a decoder: only settings and values that
 * are known here, so that a golden of another network is refused.
 */
export const ReferenceModel = z.strictObject({
  type: fixed("EncoderDecoder"),
  pretrained: fixed(null),
  backbone: z.discriminatedUnion("type", [
    MitBackbone,
    ResnetBackbone,
    SwinBackbone,
    BeitBackbone,
    EfficientnetLiteBackbone,
  ]),
  neck: PyramidNeck.optional(),
  decode_head: z.discriminatedUnion("type", [
    DaformerHead,
    SegformerHead,
    DeeplabV2Head,
    PspHead,
    DeeplabV3PlusHead,
    UpernetHead,
    LrasppHead,
  ]),
  auxiliary_head: FcnHead.optional(),
  train_cfg: z.strictObject({}).optional(),
  test_cfg: z.strictObject({ mode: z.literal("whole") }).optional(),
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
    case "EfficientNetLite":
      return efficientnetLite("backbone", {
        widthCoefficient: backbone.width_coefficient,
        depthCoefficient: backbone.depth_coefficient,
        dropPathRate: 0,
      });
    case "ResNetV1c":
      return resnet("backbone", {
        ...RESNET_PRESETS[`resnet-${backbone.depth}`],
        stemChannels: backbone.stem_channels,
        baseChannels: backbone.base_channels,
      });
  }
}

const DECODE_HEAD = "decode_head";

function referenceDecoder(
  head: ReferenceModel["decode_head"],
  widths: readonly number[],
): Decoder {
  const classes = head.num_classes;
  switch (head.type) {
    case "SegFormerHead": {
      const { embed_dim: channels, conv_kernel_size: fusionKernelSize } =
        head.decoder_params;
      const options = {
        classes,
        channels,
        fusionKernelSize,
        dropout: head.dropout_ratio,
      };
      return segformerHead(DECODE_HEAD, widths, options, head.channels);
    }
    case "DAFormerHead": {
      const { fusion_cfg: fusion, embed_dims: embedDims = head.channels } =
        head.decoder_params;
      const widthOfIsa = fusion.type === "isa" ? fusion.isa_channels : undefined;
      if (embedDims !== head.channels || (widthOfIsa ?? embedDims) !== head.channels) {
        throw new RangeError(
          `Cannot build the head: "embed_dims" ${embedDims} and "isa_channels" ` +
            `${widthOfIsa ?? embedDims} must be "channels" ${head.channels}`,
        );
      }
      const shape = { classes, channels: head.channels, dropout: head.dropout_ratio };
      if (fusion.type !== "aspp") {
        const name = fusion.type === "conv" ? "conv1" : fusion.type;
        return daformerHead(DECODE_HEAD, widths, {
          ...shape,
          fusion: name,
          dilations: [],
        });
      }
      return daformerHead(DECODE_HEAD, widths, {
        ...shape,
        fusion: fusion.sep ? "separable-aspp" : "aspp",
        dilations: fusion.dilations,
        imagePool: fusion.pool,
      });
    }
    case "DLV2Head":
      return deeplabV2Head(DECODE_HEAD, widths, { classes, dilations: head.dilations });
    case "PSPHead":
      return pspHead(DECODE_HEAD, widths, {
        classes,
        channels: head.channels,
        poolScales: head.pool_scales,
        dropout: head.dropout_ratio,
      });
    case "UPerHead":
      return upernetHead(DECODE_HEAD, widths, {
        classes,
        channels: head.channels,
        poolScales: head.pool_scales,
        dropout: head.dropout_ratio,
      });
    case "LRASPPHead":
      return lrasppHead(DECODE_HEAD, widths, {
        classes,
        channels: head.inter_channels,
        lowIndex: head.in_index[0],
      });
    case "DepthwiseSeparableASPPHead":
      return deeplabV3PlusHead(DECODE_HEAD, widths, {
        classes,
        channels: head.channels,
        lowLevelChannels: head.c1_channels,
        dilations: head.dilations,
        dropout: head.dropout_ratio,
      });
  }
}
