/** What a network of the user's own is for: learning, labelling, being measured. @module */
import type { Size } from "../config/size.ts";
import { type ClassInfo, IMAGENET, type Normalisation } from "../core/host_batch.ts";
import type { RgbImage } from "../core/image_codec.ts";
import type { Network, Weights } from "../core/network.ts";
import { openDataSet } from "../data/data_set.ts";
import {
  type DetailedEvaluation,
  evaluate,
  type EvaluationOptions,
  predict,
  type Prediction,
} from "./evaluate.ts";
import { assertScales } from "./look.ts";
import { sampleOf } from "./use_network.ts";

/** Makes a network that tells apart so many classes. */
export type MakeNetwork = (classes: number) => Network;

/** A network, its weights and what they expect of pictures. */
export interface OwnNetwork {
  /** An encoder and a decoder, joined. */
  readonly network: Network;
  /** All that it asks for. */
  readonly weights: Weights;
  /**
   * What the weights were trained with.
   *
   * @default the statistics of ImageNet
   */
  readonly normalisation?: Normalisation;
}

/** `ROOT/images/<split>/<stem>.(jpg|png)` and `ROOT/labels/<split>/<stem>.png`. */
export interface LabelledFolder {
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
  readonly labels?: Readonly<Record<string, number>> | null;
  /**
   * Stems to use, with `*` for any text.
   *
   * @default {["*"]}
   */
  readonly include?: readonly string[];
}

/** How pictures reach the network. */
export interface PictureOptions {
  /**
   * The box into which pictures are scaled first; null keeps their size.
   *
   * @default {null}
   */
  readonly resize?: Size | null;
  /**
   * Sizes to look at, as factors; probabilities are averaged.
   *
   * @default {[1]}
   */
  readonly scales?: readonly number[];
  /**
   * Whether to look at the mirrored picture too.
   *
   * @default {false}
   */
  readonly flip?: boolean;
}

/** What to measure on, and who watches. */
export interface EvaluateOnOptions extends PictureOptions {
  /**
   * At most this many pictures, evenly spread; null for all.
   *
   * @default {null}
   */
  readonly images?: number | null;
  /** Told about every picture, in order. */
  readonly seen?: (
    prediction: Prediction,
    done: number,
    of: number,
  ) => void | Promise<void>;
  /** Stops after the picture in hand; the figures are then of those seen. */
  readonly signal?: AbortSignal;
}

/**
 * Labels every pixel of a picture of any size with a network of your own.
 *
 * @returns Class ids. [H, W]
 * @throws {RangeError} If the picture's bytes do not fill its size, or a scale is not
 * above 0.
 */
export async function predictWith(
  own: OwnNetwork,
  picture: RgbImage,
  options: PictureOptions = {},
): Promise<Uint8Array> {
  const { network, weights } = own;
  return await predict(network, weights, sampleOf(picture), viewOf(own, options));
}

/**
 * Measures a network of your own on labelled pictures, one at a time.
 *
 * @throws {RangeError} If the folder holds no such pictures, a file of it is missing or
 * damaged, or the network tells apart another number of classes.
 */
export async function evaluateOn(
  own: OwnNetwork,
  folder: LabelledFolder,
  { images = null, seen, signal, ...options }: EvaluateOnOptions = {},
): Promise<DetailedEvaluation> {
  const { network, weights } = own;
  if (network.classes !== folder.classes.length) {
    throw new RangeError(
      `Cannot evaluate on "${folder.root}": the network tells apart ${network.classes} ` +
        `classes and "classes" lists ${folder.classes.length}: both must be the same`,
    );
  }
  const data = await openDataSet({ kind: "folder", labelled: true, ...folder });
  const view = { ...viewOf(own, options), images };
  return await evaluate(network, weights, data, view, seen, signal);
}

function viewOf(
  { normalisation = IMAGENET }: OwnNetwork,
  { resize = null, scales = [1], flip = false }: PictureOptions,
): EvaluationOptions {
  assertScales(scales);
  const whole = { mode: "whole", window: null, stride: null } as const;
  const all = { images: null, centre: null, trimap: null };
  return { ...whole, resize, scales, flip, normalisation, ...all };
}
