/** From the name of an encoder in a configuration to the encoder. @module */
import type { EncoderConfig } from "../config/encoder.ts";
import type { Encoder } from "../core/network.ts";
import { beit, BEIT_PRESETS } from "../models/beit.ts";
import { featurePyramid, withPyramid } from "../models/feature_pyramid.ts";
import { mit, MIT_PRESETS } from "../models/mit.ts";
import { resnet, RESNET_PRESETS, type ResnetShape } from "../models/resnet.ts";
import { RESNET_MULTIGRID_PRESETS, resnetMultigrid } from "../models/resnet_multigrid.ts";
import { swin, SWIN_PRESETS } from "../models/swin.ts";

/** Names of the parts in checkpoints: mmsegmentation's, and the semi-supervised branch's. */
const BACKBONE = "backbone";
const NECK = "neck";
const SEMI_ENCODER = "encoder";

/** Builds an encoder. */
export function buildEncoder(encoder: EncoderConfig): Encoder {
  switch (encoder.name) {
    case "mit":
      return mit(BACKBONE, encoder);
    case "mit-b0":
    case "mit-b1":
    case "mit-b2":
    case "mit-b3":
    case "mit-b4":
    case "mit-b5":
      return mit(BACKBONE, { ...MIT_PRESETS[encoder.name], dropPath: encoder.dropPath });
    case "resnet":
      return resnet(BACKBONE, resnetShape(encoder));
    case "resnet-50":
    case "resnet-101":
      return resnet(BACKBONE, RESNET_PRESETS[encoder.name]);
    case "resnet-multigrid":
      return resnetMultigrid(SEMI_ENCODER, resnetShape(encoder));
    case "resnet-50-multigrid":
    case "resnet-101-multigrid":
      return resnetMultigrid(SEMI_ENCODER, RESNET_MULTIGRID_PRESETS[encoder.name]);
    case "swin":
      return swin(BACKBONE, encoder);
    case "swin-t":
    case "swin-s":
    case "swin-b":
    case "swin-l":
      return swin(BACKBONE, { ...SWIN_PRESETS[encoder.name], ...encoder });
    case "beit":
      return pyramid(encoder);
    case "beit-b":
    case "beit-l":
      return pyramid({ ...BEIT_PRESETS[encoder.name], ...encoder });
  }
}

function resnetShape(
  { depths, stem, planes }: Pick<ResnetShape, "depths" | "planes"> & {
    stem: number | null;
  },
): ResnetShape {
  return { depths, ...(planes && { planes }), ...(stem && { stem }) };
}

function pyramid(shape: Parameters<typeof beit>[1]): Encoder {
  return withPyramid(beit(BACKBONE, shape), featurePyramid(NECK, shape.width));
}
