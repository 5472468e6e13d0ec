/** The cases that are compared with other libraries. @module */
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../src/config/read.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { MIT_PRESETS } from "../../src/models/mit.ts";
import { RESNET_PRESETS } from "../../src/models/resnet.ts";
import type { Operation, Work } from "./work.ts";

/** Something to be compared. */
export interface PeerCase {
  readonly name: string;
  readonly work: Work;
}

const CONFIG = fileURLToPath(new URL("../configs/mit_b0_128.yaml", import.meta.url));

/** As many as Cityscapes has. */
const CLASSES = 19;
/** Of the image that is labeled, in pixels. */
const PREDICTION_SIDE = 512;

const DAFORMER = {
  name: "daformer",
  channels: 256,
  fusion: "separable-aspp",
  dilations: [1, 6, 12, 18],
  dropout: 0.1,
} as const;
const mitDaformer = (preset: keyof typeof MIT_PRESETS) => ({
  encoder: { name: "mit", ...MIT_PRESETS[preset], dropPathRate: 0.1 },
  decoder: DAFORMER,
});

/** By name; other libraries know presets by their sizes, so these are spelled out. */
const NETWORKS = {
  "MiT-B0 + DAFormer": mitDaformer("mit-b0"),
  "ResNet-50 + DeepLabV2": {
    encoder: { name: "resnet", ...RESNET_PRESETS["resnet-50"] },
    decoder: { name: "deeplabv2", dilations: [6, 12] },
  },
  "MiT-B5 + DAFormer": mitDaformer("mit-b5"),
} as const;

const selfTraining = (lookAhead: unknown) => ({
  name: "self-training",
  lookAhead,
  pseudoLabel: { threshold: 0.8 },
  // Always augmented, so that every iteration costs the same.
  mixing: { colorJitterProbability: 1, blurProbability: 1 },
});

const METHODS = {
  "supervised": { name: "supervised" },
  "self-training": selfTraining(null),
  // Without reuse: as many passes as in PyTorch.
  "FST-D K=3": selfTraining({ depth: 3, reuse: false }),
} as const;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  "product 1024×320 · 320×1280": {
    kind: "product",
    left: [1024, 320],
    right: [320, 1280],
  },
  "product 1024×1024 · 1024×1024": {
    kind: "product",
    left: [1024, 1024],
    right: [1024, 1024],
  },
  "products 8 × 1024×64 · 64×256": {
    kind: "product",
    left: [8, 1024, 64],
    right: [8, 64, 256],
  },
  "convolution 1×1, 64×64×256→64": convolution(64, 256, 64, 1),
  "convolution 3×3, 64×64×128→128": convolution(64, 128, 128, 3),
  "convolution 3×3 dilation 2, 32×32×256→256": convolution(32, 256, 256, 3, {
    dilation: 2,
  }),
  "convolution 7×7 stride 4, 512×512×3→64": convolution(512, 3, 64, 7, { stride: 4 }),
};

function convolution(
  side: number,
  inChannels: number,
  outChannels: number,
  kernelSize: number,
  { stride = 1, dilation = 1 }: { stride?: number; dilation?: number } = {},
): Operation {
  return {
    kind: "convolution",
    left: [1, inChannels, side, side],
    right: [outChannels, inChannels, kernelSize, kernelSize],
    padding: dilation * (kernelSize - 1) / 2,
    ...{ stride, dilation },
  };
}

async function configOf(model: unknown, method: unknown): Promise<RunConfig> {
  const set = (key: string, value: unknown) => `${key}=${JSON.stringify(value)}`;
  return await loadConfig(CONFIG, [set("model", model), set("method", method)]);
}

/**
 * All cases, or those that have one of the texts in their name.
 *
 * @throws {RangeError} If there is none of a text.
 */
export async function selectPeerCases(only: readonly string[]): Promise<PeerCase[]> {
  const cases: PeerCase[] = [];
  for (const [network, model] of Object.entries(NETWORKS)) {
    // An iteration of the largest takes minutes.
    const methods = network === "MiT-B5 + DAFormer" ? [] : Object.entries(METHODS);
    for (const [method, settings] of methods) {
      const config = await configOf(model, settings);
      cases.push({
        name: `${network}, ${method}`,
        work: { kind: "iteration", config, classes: CLASSES },
      });
    }
    const config = await configOf(model, METHODS.supervised);
    cases.push({
      name: `${network}, prediction`,
      work: { kind: "prediction", config, classes: CLASSES, side: PREDICTION_SIDE },
    });
  }
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    cases.push({ name, work: { kind: "operation", operation } });
  }
  for (const text of only) {
    if (cases.some(({ name }) => name.includes(text))) continue;
    const known = cases.map(({ name }) => name).join("; ");
    throw new RangeError(`Cannot measure "${text}": known are ${known}`);
  }
  return only.length === 0
    ? cases
    : cases.filter(({ name }) => only.some((text) => name.includes(text)));
}
