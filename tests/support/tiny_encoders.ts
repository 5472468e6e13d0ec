/** Encoders of a few thousand weights, as configurations. @module */
import type { EncoderConfig } from "../../src/config/encoder.ts";

/** One of each kind. */
export const TINY_ENCODERS = {
  mit: {
    name: "mit",
    embedDims: [4, 8, 8, 12],
    depths: [1, 1, 1, 1],
    numHeads: [1, 2, 2, 3],
    srRatios: [8, 4, 2, 1],
    dropPathRate: 0.1,
  },
  resnet: { name: "resnet", depths: [1, 1, 2, 1], stemChannels: 8, baseChannels: 2 },
  "resnet-multigrid": {
    name: "resnet-multigrid",
    depths: [1, 1, 2, 3],
    stemChannels: 8,
    baseChannels: 2,
  },
  swin: {
    name: "swin",
    embedDim: 4,
    depths: [2, 1, 1, 1],
    numHeads: [1, 2, 2, 4],
    windowSize: 4,
    dropPathRate: 0.1,
  },
  beit: {
    name: "beit",
    embedDim: 8,
    depth: 4,
    numHeads: 2,
    outIndices: [0, 1, 2, 3],
    imageSize: 64,
    dropPathRate: 0.1,
    layerScaleInit: 0.1,
  },
  dinov2: {
    name: "dinov2",
    embedDim: 16,
    depth: 4,
    numHeads: 2,
    outIndices: [0, 1, 2, 3],
    registers: true,
    imageSize: 56,
    inputScale: 1,
    dropPathRate: 0.1,
    layerScaleInit: 0.1,
  },
  "efficientnet-lite": {
    name: "efficientnet-lite",
    widthCoefficient: 0.1,
    depthCoefficient: 0.5,
    dropPathRate: 0.2,
  },
} as const satisfies Readonly<Record<string, EncoderConfig>>;
