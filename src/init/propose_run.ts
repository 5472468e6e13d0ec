/** A network, crops and a schedule that suit a data set and fit this device. @module */

import { checkConfig } from "../config/check_config.ts";
import type { RunConfig } from "../config/schema.ts";
import { openedGpu } from "../core/backend.ts";
import { systemMemory } from "../core/environment.ts";
import type { ClassInfo, PixelFormat, Size } from "../core/host_batch.ts";
import { buildNetwork } from "../evaluate/build_network.ts";
import { estimateMemory } from "../train/estimate_memory.ts";

/** A network in the words of a configuration, with what it should learn from. */
interface Preset {
  readonly title: string;
  readonly encoder: Readonly<Record<string, unknown>>;
  readonly decoder: Readonly<Record<string, unknown>>;
  readonly learningRate: number;
  /** Longest side of a crop, in pixels. */
  readonly crop: number;
  readonly batchSize: number;
  /** Longest side that images are scaled to; larger ones shrink. */
  readonly longestSide: number;
  /** Times that every image is learned from, and iterations at least and at most. */
  readonly epochs: number;
  readonly iterations: readonly [number, number];
}

/** The network of the CamVid configurations: a few minutes on a CPU. */
const SMALL: Preset = {
  title: "A small Mix Transformer, which a CPU trains in minutes",
  encoder: {
    name: "mit",
    embedDims: [16, 32, 64, 96],
    depths: [1, 1, 2, 1],
    numHeads: [1, 2, 4, 6],
    srRatios: [8, 4, 2, 1],
    dropPathRate: 0.1,
  },
  decoder: {
    name: "daformer",
    channels: 32,
    fusion: "separable-aspp",
    dilations: [1, 6, 12, 18],
    dropout: 0.1,
  },
  learningRate: 6e-4,
  crop: 128,
  batchSize: 2,
  longestSide: 256,
  epochs: 40,
  iterations: [500, 2000],
};

const MIT_B0: Preset = {
  title: "MiT-B0",
  encoder: { name: "mit-b0", dropPathRate: 0.1 },
  decoder: { ...SMALL.decoder, channels: 128 },
  learningRate: 6e-4,
  crop: 512,
  batchSize: 4,
  longestSide: 1024,
  epochs: 100,
  iterations: [1000, 40_000],
};

/** The first that fits is taken. */
const GPU_PRESETS: readonly Preset[] = [
  MIT_B0,
  { ...MIT_B0, batchSize: 2 },
  { ...MIT_B0, crop: 384, batchSize: 2 },
  { ...MIT_B0, crop: 256, batchSize: 2 },
  SMALL,
];
const CPU_PRESETS: readonly Preset[] = [SMALL, { ...SMALL, crop: 64 }];

/** A GPU that does not tell its memory is taken for one of this. */
const ASSUMED_GPU_MEMORY = 4 * 2 ** 30;

/** Of what there is, other programs and evaluations of whole images need some. */
const USABLE_SHARE = 0.6;

/** What a run is proposed for. */
export interface RunNeeds {
  readonly classes: readonly ClassInfo[];
  /** Images with labels to train on. */
  readonly images: number;
  /** Of a typical image. */
  readonly size: Size;
  /** Whether all have it: else the box that they are scaled into is square. */
  readonly isOneSize: boolean;
  readonly format: PixelFormat;
  /** The learning rule. */
  readonly method: "supervised" | "mean-teacher" | "self-training";
}

/** Settings of a run, and why. */
export interface ProposedRun {
  readonly network: string;
  readonly encoder: Readonly<Record<string, unknown>>;
  readonly decoder: Readonly<Record<string, unknown>>;
  readonly learningRate: number;
  readonly resize: Size | null;
  readonly cropSize: Size;
  readonly batchSize: number;
  readonly iterations: number;
  /** Numbers that are learned. */
  readonly weights: number;
  /** Bytes at the largest moment of an iteration. */
  readonly memory: number;
  /** Bytes that may be used; null: not known, and a common size was assumed. */
  readonly limit: number | null;
}

/**
 * Chooses the largest network and crop that fit into the memory of the backend that is
 * open.
 */
export async function proposeRun(
  needs: RunNeeds,
  backend: "wasm" | "webgpu",
): Promise<ProposedRun> {
  const presets = backend === "webgpu" ? GPU_PRESETS : CPU_PRESETS;
  const known = backend === "wasm"
    ? Math.min(2 ** 32, systemMemory() ?? 2 ** 32)
    : openedGpu()?.memory ?? null;
  let smallest: ProposedRun | null = null;
  for (const preset of presets) {
    const run = { ...runOf(preset, needs), limit: known };
    const config = configOf(run, needs);
    const network = buildNetwork(
      config.model,
      needs.classes.length,
      needs.format.channels,
    );
    const { total } = await estimateMemory(config, needs.classes, network, false);
    const weights = network.parameters.filter(({ trainable }) => trainable)
      .reduce((sum, { shape }) => sum + shape.reduce((all, side) => all * side, 1), 0);
    smallest = { ...run, memory: total, weights };
    if (total <= USABLE_SHARE * (known ?? ASSUMED_GPU_MEMORY)) break;
  }
  if (smallest === null) throw new TypeError("Cannot propose a run: there is no preset");
  return smallest;
}

/** Crops are multiples of the coarsest feature map's stride. */
const STRIDE = 32;

function runOf(
  { title, encoder, decoder, learningRate, crop, batchSize, longestSide, ...preset }:
    Preset,
  { images, size, isOneSize }: RunNeeds,
): Omit<ProposedRun, "limit"> {
  const longest = Math.max(size.height, size.width);
  const scale = Math.min(1, longestSide / longest);
  const scaled = {
    height: Math.max(1, Math.round(scale * size.height)),
    width: Math.max(1, Math.round(scale * size.width)),
  };
  const resize = scale === 1
    ? null
    : isOneSize
    ? scaled
    : { height: longestSide, width: longestSide };
  const side = (length: number) =>
    Math.min(crop, Math.max(STRIDE, STRIDE * Math.floor(length / STRIDE)));
  const [least, most] = preset.iterations;
  const epochs = preset.epochs * images / batchSize;
  return {
    network: title,
    encoder,
    decoder,
    learningRate,
    resize,
    cropSize: { height: side(scaled.height), width: side(scaled.width) },
    batchSize,
    iterations: Math.min(most, Math.max(least, 100 * Math.round(epochs / 100))),
    memory: 0,
    weights: 0,
  };
}

function configOf(
  { encoder, decoder, cropSize, batchSize }: Omit<ProposedRun, "memory" | "weights">,
  { classes, method, format: { channels, bitDepth } }: RunNeeds,
): RunConfig {
  const part = { split: "train" };
  const ofEach = (value: number) => new Array<number>(channels).fill(value);
  const normalization = { mean: ofEach(0), std: ofEach(1) }; // nothing is computed
  return checkConfig({
    model: { encoder, decoder },
    data: {
      kind: "folder",
      classes,
      source: part,
      target: part,
      evaluations: { val: part },
      cropSize,
      batchSize,
      ...{ channels, bitDepth, normalization },
    },
    method: { name: method },
  }, "the proposal");
}
