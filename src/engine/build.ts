/** From the names in a configuration to a network and its start. @module */
import type { RunConfig } from "../config/schema.ts";
import type { Decoder, Encoder, Network } from "../core/network.ts";
import { daformerHead } from "../models/daformer_head.ts";
import { deeplabV2Head } from "../models/deeplab_v2_head.ts";
import { deeplabV3PlusHead } from "../models/deeplab_v3_plus_head.ts";
import { mit, MIT_PRESETS } from "../models/mit.ts";
import { network } from "../models/network.ts";
import { pspHead } from "../models/psp_head.ts";
import { resnet, RESNET_PRESETS } from "../models/resnet.ts";
import { segformerHead } from "../models/segformer_head.ts";

type Model = RunConfig["model"];

/** Names of the parts in checkpoints, those of mmsegmentation. */
const ENCODER_NAME = "backbone";
const DECODER_NAME = "decode_head";

/** Builds the network that a configuration describes. */
export function buildNetwork(model: Model, classes: number): Network {
  const encoder = buildEncoder(model.encoder);
  return network(encoder, buildDecoder(model.decoder, encoder, classes), classes);
}

function buildEncoder(encoder: Model["encoder"]): Encoder {
  switch (encoder.name) {
    case "mit":
      return mit(ENCODER_NAME, encoder);
    case "mit-b0":
    case "mit-b1":
    case "mit-b2":
    case "mit-b3":
    case "mit-b4":
    case "mit-b5":
      return mit(ENCODER_NAME, {
        ...MIT_PRESETS[encoder.name],
        dropPath: encoder.dropPath,
      });
    case "resnet-50":
    case "resnet-101":
      return resnet(ENCODER_NAME, RESNET_PRESETS[encoder.name]);
    default:
      throw new RangeError(`Cannot build "${encoder.name}": it is not wired yet`);
  }
}

function buildDecoder(
  decoder: Model["decoder"],
  { widths }: Encoder,
  classes: number,
): Decoder {
  switch (decoder.name) {
    case "daformer":
      return daformerHead(DECODER_NAME, widths, { ...decoder, classes });
    case "segformer":
      return segformerHead(DECODER_NAME, widths, { ...decoder, classes });
    case "deeplabv2":
      return deeplabV2Head(DECODER_NAME, widths, { ...decoder, classes });
    case "psp":
      return pspHead(DECODER_NAME, widths, { ...decoder, classes });
    case "deeplabv3+":
      return deeplabV3PlusHead(DECODER_NAME, widths, { ...decoder, classes });
    default:
      throw new RangeError(`Cannot build "${decoder.name}": it is not wired yet`);
  }
}
