import type { Normalization } from "../../nn.ts";

// The authors divide by the deviation and then by this.
const RANGE = 255;

/**
 * What ESPNet's CamVid weights were trained with: mean and deviation of the training
 * images, each the average over images of the image's own.
 */
export const ESPNET_CAMVID: Normalization = {
  mean: [105.0332, 108.4089, 110.331],
  std: [69.9043 * RANGE, 72.6907 * RANGE, 72.1257 * RANGE],
};
