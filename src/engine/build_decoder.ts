/** From the name of a decoder in a configuration to the decoder. @module */
import type { AuxiliaryConfig, DecoderConfig } from "../config/decoder.ts";
import type { AuxiliaryHead, Decoder, Encoder } from "../core/network.ts";
import { daformerHead } from "../models/daformer_head.ts";
import { danetHead } from "../models/danet_head.ts";
import { deeplabV2Head } from "../models/deeplab_v2_head.ts";
import { deeplabV3PlusHead } from "../models/deeplab_v3_plus_head.ts";
import { fcnHead } from "../models/fcn_head.ts";
import { isaHead } from "../models/isa_head.ts";
import { pspHead } from "../models/psp_head.ts";
import { segformerHead } from "../models/segformer_head.ts";
import { semiDeeplabV2Head } from "../models/semi_deeplab_v2_head.ts";
import { semiDeeplabV3PlusHead } from "../models/semi_deeplab_v3_plus_head.ts";
import { semiFcnHead } from "../models/semi_fcn_head.ts";
import { semiPspHead } from "../models/semi_psp_head.ts";
import { upernetHead } from "../models/upernet_head.ts";

/** Names of the parts in checkpoints: mmsegmentation's, and the semi-supervised branch's. */
const HEAD = "decode_head";
const AUXILIARY_HEAD = "auxiliary_head";
const SEMI_DECODER = "decoder";
const SEMI_AUXILIARY = "auxor";

/** Builds a decoder for the maps of an encoder. */
export function buildDecoder(
  decoder: DecoderConfig,
  { widths }: Encoder,
  classes: number,
): Decoder {
  switch (decoder.name) {
    case "daformer":
      return daformerHead(HEAD, widths, { ...decoder, classes });
    case "segformer":
      return segformerHead(HEAD, widths, { ...decoder, classes });
    case "deeplabv2":
      return deeplabV2Head(HEAD, widths, { ...decoder, classes });
    case "psp":
      return pspHead(HEAD, widths, { ...decoder, classes });
    case "deeplabv3+":
      return deeplabV3PlusHead(HEAD, widths, { ...decoder, classes });
    case "upernet":
      return upernetHead(HEAD, widths, { ...decoder, classes });
    case "isa":
      return isaHead(HEAD, widths, { ...decoder, classes });
    case "danet":
      return danetHead(HEAD, widths, { ...decoder, classes });
    case "semi-deeplabv2":
      return semiDeeplabV2Head(SEMI_DECODER, widths, { ...decoder, classes });
    case "semi-deeplabv3+":
      return semiDeeplabV3PlusHead(SEMI_DECODER, widths, { ...decoder, classes });
    case "semi-psp":
      return semiPspHead(SEMI_DECODER, widths, { ...decoder, classes });
  }
}

/** Builds the head beside the decoder. */
export function buildAuxiliary(
  auxiliary: AuxiliaryConfig,
  { widths }: Encoder,
  classes: number,
): AuxiliaryHead {
  const decoder = auxiliary.name === "fcn"
    ? fcnHead(AUXILIARY_HEAD, widths, { ...auxiliary, classes, convolutions: 1 })
    : semiFcnHead(SEMI_AUXILIARY, widths, { ...auxiliary, classes });
  return { decoder, lossWeight: auxiliary.weight };
}
