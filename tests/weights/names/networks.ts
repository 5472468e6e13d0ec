/** The networks of the tests, as small as they can be. */
import { beit } from "../../../src/models/beit.ts";
import { fcnHead } from "../../../src/models/fcn_head.ts";
import { featurePyramid } from "../../../src/models/feature_pyramid.ts";
import { mit } from "../../../src/models/mit.ts";
import { resnet } from "../../../src/models/resnet.ts";
import { resnetMultigrid } from "../../../src/models/resnet_multigrid.ts";
import { segformerHead } from "../../../src/models/segformer_head.ts";
import { swin } from "../../../src/models/swin.ts";
import { upernetHead } from "../../../src/models/upernet_head.ts";
import { type File, ownWeights } from "./own_weights.ts";

export const MIT = {
  widths: [2, 4, 6, 8],
  depths: [1, 2, 1, 1],
  heads: [1, 2, 2, 4],
  reductions: [8, 4, 2, 1],
  dropPath: 0,
};
export const SWIN = {
  width: 4,
  depths: [2, 1, 1],
  heads: [1, 2, 2],
  window: 2,
  dropPath: 0,
};
export const BEIT = {
  width: 4,
  depth: 2,
  heads: 2,
  outputs: [0, 1],
  imageSize: 32,
  dropPath: 0,
  layerScale: 0.1,
};
export const RESNET = { depths: [1, 2, 1, 1], stem: 4, planes: 2 } as const;

export const mitWeights = (): File => ownWeights(mit("backbone", MIT));
export const segformerWeights = (): File =>
  ownWeights(
    mit("backbone", MIT),
    segformerHead("decode_head", MIT.widths, { classes: 3, channels: 5, dropout: 0 }),
  );

const heads = (widths: readonly number[]) => [
  upernetHead("decode_head", widths, {
    classes: 3,
    channels: 4,
    bins: [1, 2, 3, 6],
    dropout: 0,
  }),
  fcnHead("auxiliary_head", widths, {
    classes: 3,
    channels: 4,
    level: 1,
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
    featurePyramid("neck", BEIT.width),
    ...heads([4, 4, 4, 4]),
  );

export const resnetWeights = (): File => ownWeights(resnet("backbone", RESNET));
export const multigridWeights = (): File =>
  ownWeights(
    resnetMultigrid("encoder", { depths: [1, 1, 1, 1], stem: 128, planes: 1 }),
  );
