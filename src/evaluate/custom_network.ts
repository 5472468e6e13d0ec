/** What a network of the user's own is for: learning, labeling, being measured. @module */
import type { Size } from "../config/ranges.ts";
import {
  type ClassInfo,
  IMAGENET,
  type Normalization,
  type Picture,
  type PixelFormat,
} from "../core/host_batch.ts";
import type { Network, Weights } from "../core/network.ts";
import { openDataSet } from "../data/open_data_set.ts";
import { type DetailedEvaluation, evaluate, type Prediction } from "./evaluate.ts";
import {
  assertScales,
  type EvaluationOptions,
  predictSample,
  sampleFromImage,
} from "./predict_image.ts";

/** Makes a network that tells apart so many classes, of images of so many channels. */
export type NetworkFactory = (classes: number, channels: number) => Network;

/** A network, its weights and what they expect of pictures. */
export interface CustomNetwork {
  /** An encoder and a decoder, joined. */
  readonly network: Network;
  /** All that it asks for. */
  readonly weights: Weights;
  /**
   * What the weights were trained with; a number for each channel of the images.
   *
   * @default the statistics of ImageNet
   */
  readonly normalization?: Normalization;
  /**
   * Bits of the images.
   *
   * @default {8}
   */
  readonly bitDepth?: PixelFormat["bitDepth"];
}

/** `ROOT/images/<split>/<stem>.(jpg|png|tif)` and `ROOT/labels/<split>/<stem>.(png|tif)`. */
export interface LabeledFolder {
  /** The data set's folder. */
  readonly root: string;
  /** The folder below `images/` and `labels/`. */
  readonly split: string;
  /** In the order of their ids; as many as the network tells apart. */
  readonly classes: readonly ClassInfo[];
  /**
   * Class id, or 255 for none, of every value in label files; null: values are ids.
   *
   * @default {null}
   */
  readonly labelMap?: Readonly<Record<string, number>> | null;
  /**
   * Stems to use, with `*` for any text.
   *
   * @default {["*"]}
   */
  readonly include?: readonly string[];
}

/** How pictures reach the network. */
export interface PredictOptions {
  /**
   * The box into which pictures are scaled first; null keeps their size.
   *
   * @default {null}
   */
  readonly resize?: Size | null;
  /**
   * Scales of test-time augmentation, as factors; probabilities are averaged.
   *
   * @default {[1]}
   */
  readonly scales?: readonly number[];
  /**
   * Whether to average with the mirrored image.
   *
   * @default {false}
   */
  readonly flip?: boolean;
}

/** What to measure on, and who watches. */
export interface EvaluateCustomOptions extends PredictOptions {
  /**
   * At most this many pictures, evenly spread; null for all.
   *
   * @default {null}
   */
  readonly maxImages?: number | null;
  /** Called with every image, in order. */
  readonly onPrediction?: (
    prediction: Prediction,
    done: number,
    of: number,
  ) => void | Promise<void>;
  /** Stops after the current image; the metrics are then of the images so far. */
  readonly signal?: AbortSignal;
}

/**
 * Labels every pixel of a picture of any size with a network of your own.
 *
 * @returns Class ids. [H, W]
 * @throws {RangeError} If the picture's values do not fill its size, it has another number
 * of channels or bits than the network reads, or a scale is not above 0.
 */
export async function predictCustomNetwork(
  custom: CustomNetwork,
  picture: Picture,
  options: PredictOptions = {},
): Promise<Uint8Array> {
  const { network, weights } = custom;
  return await predictSample(
    network,
    weights,
    sampleFromImage(picture, formatOf(custom)),
    customEvaluationOptions(custom, options),
  );
}

/**
 * Measures a network of your own on labeled pictures, one at a time.
 *
 * @throws {RangeError} If the folder holds no such pictures, a file of it is missing or
 * damaged, or the network tells apart another number of classes.
 */
export async function evaluateCustomNetwork(
  custom: CustomNetwork,
  folder: LabeledFolder,
  { maxImages = null, onPrediction, signal, ...options }: EvaluateCustomOptions = {},
): Promise<DetailedEvaluation> {
  const { network, weights } = custom;
  if (network.classCount !== folder.classes.length) {
    throw new RangeError(
      `Cannot evaluate on "${folder.root}": the network tells apart ${network.classCount} ` +
        `classes and "classes" lists ${folder.classes.length}: both must be the same`,
    );
  }
  const pixelFormat = formatOf(custom);
  const data = await openDataSet({
    kind: "folder",
    labeled: true,
    pixelFormat,
    ...folder,
  });
  const evaluationOptions = {
    ...customEvaluationOptions(custom, options),
    maxImages,
  };
  return await evaluate(network, weights, data, evaluationOptions, onPrediction, signal);
}

const formatOf = (
  { normalization = IMAGENET, bitDepth = 8 }: CustomNetwork,
): PixelFormat => ({ channels: normalization.mean.length, bitDepth });

function customEvaluationOptions(
  { normalization = IMAGENET }: CustomNetwork,
  { resize = null, scales = [1], flip = false }: PredictOptions,
): EvaluationOptions {
  assertScales(scales);
  const whole = { mode: "whole", windowSize: null, stride: null } as const;
  const all = { maxImages: null, centerCrop: null, trimap: null };
  return { ...whole, resize, scales, flip, normalization, ...all };
}
