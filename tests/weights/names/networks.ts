/** The networks of the tests, as small as they can be. */
import { beit } from "../../../src/models/beit.ts";
import { dinov2, type Dinov2Options } from "../../../src/models/dinov2.ts";
import { dptHead } from "../../../src/models/dpt_head.ts";
import { efficientnetLite } from "../../../src/models/efficientnet_lite.ts";
import { fcnHead } from "../../../src/models/fcn_head.ts";
import { feature2Pyramid } from "../../../src/models/feature2_pyramid.ts";
import { mit } from "../../../src/models/mit.ts";
import { resnet, resnetMultigrid } from "../../../src/models/resnet.ts";
import { segformerHead } from "../../../src/models/segformer_head.ts";
import { swin } from "../../../src/models/swin.ts";
import { upernetHead } from "../../../src/models/upernet_head.ts";
import { vfmUdaHead } from "../../../src/models/vfm_uda_head.ts";
import { type File, ownWeights } from "./own_weights.ts";

export const MIT = {
  embedDims: [2, 4, 6, 8],
  depths: [1, 2, 1, 1],
  numHeads: [1, 2, 2, 4],
  srRatios: [8, 4, 2, 1],
  dropPathRate: 0,
};
export const SWIN = {
  embedDim: 4,
  depths: [2, 1, 1],
  numHeads: [1, 2, 2],
  windowSize: 2,
  dropPathRate: 0,
};
export const BEIT = {
  embedDim: 4,
  depth: 2,
  numHeads: 2,
  outIndices: [0, 1],
  imageSize: 32,
  dropPathRate: 0,
  layerScaleInit: 0.1,
};
export const DINOV2: Dinov2Options = {
  embedDim: 4,
  depth: 4,
  numHeads: 2,
  outIndices: [0, 1, 2, 3],
  registers: true,
  imageSize: 28,
  inputScale: 1,
  dropPathRate: 0,
};
export const RESNET = { depths: [1, 2, 1, 1], stemChannels: 4, baseChannels: 2 } as const;

export const mitWeights = (): File => ownWeights(mit("backbone", MIT));
export const segformerWeights = (): File =>
  ownWeights(
    mit("backbone", MIT),
    segformerHead("decode_head", MIT.embedDims, { classes: 3, channels: 5, dropout: 0 }),
  );

const heads = (widths: readonly number[]) => [
  upernetHead("decode_head", widths, {
    classes: 3,
    channels: 4,
    poolScales: [1, 2, 3, 6],
    dropout: 0,
  }),
  fcnHead("auxiliary_head", widths, {
    classes: 3,
    channels: 4,
    inIndex: 1,
    convolutions: 1,
    dropout: 0,
  }),
];

export const swinWeights = (): File => ownWeights(swin("backbone", SWIN));
export const swinUpernetWeights = (): File =>
  ownWeights(swin("backbone", SWIN), ...heads([4, 8, 16]));

export const beitWeights = (): File => ownWeights(beit("backbone", BEIT));

/** With its pyramid. */
export const beitUpernetWeights = (): File =>
  ownWeights(
    beit("backbone", BEIT),
    feature2Pyramid("neck", BEIT.embedDim),
    ...heads([4, 4, 4, 4]),
  );

const dinov2Encoder = dinov2("backbone", DINOV2);
export const dinov2Weights = (): File => ownWeights(dinov2Encoder);
export const plainDinov2Weights = (): File =>
  ownWeights(dinov2("backbone", { ...DINOV2, registers: false }));
export const dinov2DptWeights = (): File =>
  ownWeights(
    dinov2Encoder,
    dptHead("decode_head", dinov2Encoder, {
      classes: 3,
      channels: 2,
      levelChannels: [2, 3, 4, 5],
    }),
  );
export const dinov2VfmUdaWeights = (): File =>
  ownWeights(
    dinov2Encoder,
    vfmUdaHead("decode_head", dinov2Encoder.channels, { classes: 3 }),
  );

export const efficientnetWeights = (): File =>
  ownWeights(
    efficientnetLite("backbone", {
      widthCoefficient: 0.05,
      depthCoefficient: 0.3,
      dropPathRate: 0,
    }),
  );

export const resnetWeights = (): File => ownWeights(resnet("backbone", RESNET));
export const multigridWeights = (): File =>
  ownWeights(
    resnetMultigrid("encoder", {
      depths: [1, 1, 1, 1],
      stemChannels: 128,
      baseChannels: 1,
    }),
  );
