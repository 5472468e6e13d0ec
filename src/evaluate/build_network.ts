/** From the names in a configuration to a network. @module */
import type { AuxiliaryHeadConfig, DecoderConfig } from "../config/decoder.ts";
import type { EncoderConfig, ResnetConfig } from "../config/encoder.ts";
import type { ModelConfig, MultiResolutionConfig } from "../config/model.ts";
import type { AuxiliaryHead, Decoder, Encoder, Network } from "../core/network.ts";
import { beit, BEIT_PRESETS } from "../models/beit.ts";
import { daformerHead } from "../models/daformer_head.ts";
import { danetHead } from "../models/danet_head.ts";
import { deeplabV2Head, semiDeeplabV2Head } from "../models/deeplab_v2_head.ts";
import {
  deeplabV3PlusHead,
  semiDeeplabV3PlusHead,
} from "../models/deeplab_v3_plus_head.ts";
import { dinov2, DINOV2_PRESETS } from "../models/dinov2.ts";
import { dptHead } from "../models/dpt_head.ts";
import {
  EFFICIENTNET_LITE_PRESETS,
  efficientnetLite,
} from "../models/efficientnet_lite.ts";
import { encoderDecoder } from "../models/encoder_decoder.ts";
import { fcnHead, semiFcnHead } from "../models/fcn_head.ts";
import { feature2Pyramid, withNeck } from "../models/feature2_pyramid.ts";
import { isaHead } from "../models/isa_head.ts";
import { lrasppHead } from "../models/lraspp_head.ts";
import { mit, MIT_PRESETS } from "../models/mit.ts";
import { multiResolution } from "../models/multi_resolution.ts";
import { pspHead, semiPspHead } from "../models/psp_head.ts";
import {
  resnet,
  RESNET_MULTIGRID_PRESETS,
  RESNET_PRESETS,
  resnetMultigrid,
  type ResnetOptions,
} from "../models/resnet.ts";
import { segformerHead } from "../models/segformer_head.ts";
import { swin, SWIN_PRESETS } from "../models/swin.ts";
import { upernetHead } from "../models/upernet_head.ts";
import { vfmUdaHead } from "../models/vfm_uda_head.ts";

/**
 * Builds the network that a configuration describes.
 *
 * @param imageChannels Channels of the images that it reads.
 */
export function buildNetwork(
  {
    encoder: encoderConfig,
    decoder: decoderConfig,
    auxiliaryHead,
    multiResolution: resolutions,
  }:
    & Pick<ModelConfig, "encoder" | "decoder" | "auxiliaryHead">
    & Partial<Pick<ModelConfig, "multiResolution">>,
  classes: number,
  imageChannels = 3,
): Network {
  const encoder = buildEncoder(encoderConfig, imageChannels);
  if (resolutions) {
    return buildMultiResolution(resolutions, decoderConfig, encoder, classes);
  }
  const decoder = buildDecoder(decoderConfig, encoder, classes);
  const auxiliaryHeads = auxiliaryHead === null
    ? []
    : [buildAuxiliaryHead(auxiliaryHead, encoder, classes)];
  return encoderDecoder(encoder, decoder, classes, auxiliaryHeads);
}

/** Names of the parts in checkpoints: mmsegmentation's, and the semi-supervised branch's. */
const BACKBONE = "backbone";
const NECK = "neck";
const SEMI_SUPERVISED_ENCODER = "encoder";

/** Builds an encoder. */
function buildEncoder(encoder: EncoderConfig, imageChannels: number): Encoder {
  switch (encoder.name) {
    case "mit":
      return mit(BACKBONE, { ...encoder, imageChannels });
    case "mit-b0":
    case "mit-b1":
    case "mit-b2":
    case "mit-b3":
    case "mit-b4":
    case "mit-b5":
      return mit(BACKBONE, { ...MIT_PRESETS[encoder.name], ...encoder, imageChannels });
    case "resnet":
      return resnet(BACKBONE, { ...resnetSizes(encoder), imageChannels });
    case "resnet-50":
    case "resnet-101":
      return resnet(BACKBONE, { ...RESNET_PRESETS[encoder.name], imageChannels });
    case "resnet-multigrid":
      return resnetMultigrid(SEMI_SUPERVISED_ENCODER, {
        ...resnetSizes(encoder),
        imageChannels,
      });
    case "resnet-50-multigrid":
    case "resnet-101-multigrid":
      return resnetMultigrid(SEMI_SUPERVISED_ENCODER, {
        ...RESNET_MULTIGRID_PRESETS[encoder.name],
        imageChannels,
      });
    case "swin":
      return swin(BACKBONE, { ...encoder, imageChannels });
    case "swin-t":
    case "swin-s":
    case "swin-b":
    case "swin-l":
      return swin(BACKBONE, { ...SWIN_PRESETS[encoder.name], ...encoder, imageChannels });
    case "beit":
      return beitWithPyramid({ ...encoder, imageChannels });
    case "beit-b":
    case "beit-l":
      return beitWithPyramid({
        ...BEIT_PRESETS[encoder.name],
        ...encoder,
        imageChannels,
      });
    case "dinov2":
      return dinov2(BACKBONE, { ...encoder, imageChannels });
    case "dinov2-small":
    case "dinov2-base":
    case "dinov2-large":
      return dinov2(BACKBONE, {
        ...DINOV2_PRESETS[encoder.name],
        ...encoder,
        imageChannels,
      });
    case "efficientnet-lite":
      return efficientnetLite(BACKBONE, { ...encoder, imageChannels });
    case "efficientnet-lite0":
    case "efficientnet-lite1":
    case "efficientnet-lite2":
      return efficientnetLite(BACKBONE, {
        ...EFFICIENTNET_LITE_PRESETS[encoder.name],
        ...encoder,
        imageChannels,
      });
  }
}

function resnetSizes(
  { depths, stemChannels, baseChannels }: ResnetConfig,
): ResnetOptions {
  return { depths, baseChannels, ...(stemChannels && { stemChannels }) };
}

function beitWithPyramid(shape: Parameters<typeof beit>[1]): Encoder {
  return withNeck(beit(BACKBONE, shape), feature2Pyramid(NECK, shape.embedDim));
}

/** Names of the parts in checkpoints: mmsegmentation's, and the semi-supervised branch's. */
const DECODE_HEAD = "decode_head";
const AUXILIARY_HEAD = "auxiliary_head";
const SEMI_SUPERVISED_DECODER = "decoder";
const SEMI_SUPERVISED_AUXILIARY_HEAD = "auxor";

/** Builds a network with the decoder and the scale attention of HRDA. */
function buildMultiResolution(
  config: MultiResolutionConfig,
  decoderConfig: DecoderConfig,
  encoder: Encoder,
  classes: number,
): Network {
  const { dropout = 0 } = "dropout" in decoderConfig ? decoderConfig : {};
  const decoder = buildDecoder(decoderConfig, encoder, classes, `${DECODE_HEAD}.head`);
  const attention = daformerHead(`${DECODE_HEAD}.scale_attention`, encoder.channels, {
    ...{ classes, dropout },
    channels: config.attentionChannels,
    fusion: "conv1",
    dilations: [],
  });
  return multiResolution(encoder, decoder, attention, classes, config);
}

/**
 * Builds a decoder for the maps of an encoder.
 *
 * @param name Prefix of the parameters of mmsegmentation's decoders.
 */
function buildDecoder(
  decoder: DecoderConfig,
  encoder: Encoder,
  classes: number,
  name: string = DECODE_HEAD,
): Decoder {
  const { channels } = encoder;
  switch (decoder.name) {
    case "daformer":
      return daformerHead(name, channels, { ...decoder, classes });
    case "segformer":
      return segformerHead(name, channels, { ...decoder, classes });
    case "deeplabv2":
      return deeplabV2Head(name, channels, { ...decoder, classes });
    case "psp":
      return pspHead(name, channels, { ...decoder, classes });
    case "deeplabv3+":
      return deeplabV3PlusHead(name, channels, { ...decoder, classes });
    case "upernet":
      return upernetHead(name, channels, { ...decoder, classes });
    case "isa":
      return isaHead(name, channels, { ...decoder, classes });
    case "danet":
      return danetHead(name, channels, { ...decoder, classes });
    case "dpt":
      return dptHead(name, encoder, { ...decoder, classes });
    case "vfm-uda":
      return vfmUdaHead(name, channels, { classes });
    case "lraspp":
      return lrasppHead(name, channels, { ...decoder, classes });
    case "semi-deeplabv2":
      return semiDeeplabV2Head(SEMI_SUPERVISED_DECODER, channels, {
        ...decoder,
        classes,
      });
    case "semi-deeplabv3+":
      return semiDeeplabV3PlusHead(SEMI_SUPERVISED_DECODER, channels, {
        ...decoder,
        classes,
      });
    case "semi-psp":
      return semiPspHead(SEMI_SUPERVISED_DECODER, channels, { ...decoder, classes });
  }
}

/** Builds the auxiliary head. */
function buildAuxiliaryHead(
  auxiliaryHead: AuxiliaryHeadConfig,
  { channels }: Encoder,
  classes: number,
): AuxiliaryHead {
  const decoder = auxiliaryHead.name === "fcn"
    ? fcnHead(AUXILIARY_HEAD, channels, { ...auxiliaryHead, classes, convolutions: 1 })
    : semiFcnHead(SEMI_SUPERVISED_AUXILIARY_HEAD, channels, {
      ...auxiliaryHead,
      classes,
    });
  return { decoder, lossWeight: auxiliaryHead.lossWeight };
}
