import type { ClassInfo, Normalisation } from "../../mod.ts";

/**
 * The eleven classes of CamVid and their colours in published pictures.
 *
 * Source: Badrinarayanan et al., "SegNet" (PAMI 2017), https://arxiv.org/abs/1511.00561.
 */
export const CAMVID_CLASSES: readonly ClassInfo[] = [
  { name: "sky", color: [128, 128, 128] },
  { name: "building", color: [128, 0, 0] },
  { name: "pole", color: [192, 192, 128] },
  { name: "road", color: [128, 64, 128] },
  { name: "pavement", color: [60, 40, 222] },
  { name: "tree", color: [128, 128, 0] },
  { name: "sign", color: [192, 128, 128] },
  { name: "fence", color: [64, 64, 128] },
  { name: "car", color: [64, 0, 128] },
  { name: "pedestrian", color: [64, 64, 0] },
  { name: "bicyclist", color: [0, 128, 192] },
];

// The authors divide by the deviation and then by this.
const RANGE = 255;

/**
 * What ESPNet's CamVid weights were trained with: mean and deviation of the training
 * images, each the average over images of the image's own.
 */
export const ESPNET_CAMVID: Normalisation = {
  mean: [105.0332, 108.4089, 110.331],
  deviation: [69.9043 * RANGE, 72.6907 * RANGE, 72.1257 * RANGE],
};
