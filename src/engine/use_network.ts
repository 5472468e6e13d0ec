/** What a loaded network is for: labelling a picture, being measured. @module */
import type { RunConfig } from "../config/schema.ts";
import type { ClassInfo } from "../core/host_batch.ts";
import type { RgbImage } from "../core/image_codec.ts";
import type { Network, Weights } from "../core/network.ts";
import { openDataSet, type Sample } from "../data/data_set.ts";
import { evaluationSpec } from "./data.ts";
import {
  type DetailedEvaluation,
  evaluate,
  predict,
  type Prediction,
} from "./evaluate.ts";
import { type Look, lookOptions } from "./look.ts";
import { findSubset, subsetFigures, usualSubsets } from "./subsets.ts";
import type { NamedResult } from "./summary.ts";

/** A network, its weights, and what is known about them. */
export interface Trained {
  /** For messages. */
  readonly path: string;
  readonly config: RunConfig;
  readonly classes: readonly ClassInfo[];
  readonly network: Network;
  readonly weights: Weights;
}

/** What to measure a network on, and how. */
export interface EvaluateOptions extends Look {
  /**
   * One of the configuration's evaluations, or a split folder of its data set; without it,
   * the first evaluation.
   */
  readonly split?: string | undefined;
  /**
   * Groups of classes to take means over too: "synthia-16", "synthia-13" (or "16", "13"),
   * or names of classes with commas between them.
   *
   * @default the two of SYNTHIA where the run's source is SYNTHIA, else none
   */
  readonly subsets?: readonly string[];
  /**
   * Also score the pixels that are no farther than so many from another label or from
   * ignored pixels.
   */
  readonly trimap?: number | undefined;
  /**
   * Where it is kept what is where in the archives of a data set.
   *
   * @default {null}, nowhere
   */
  readonly cache?: string | null | undefined;
  /** Told about every picture, in order. */
  readonly seen?: (
    prediction: Prediction,
    done: number,
    of: number,
  ) => void | Promise<void>;
  /** Stops after the picture in hand; the figures are then of those seen. */
  readonly signal?: AbortSignal;
}

/** What a network was found to do on a named data set. */
export interface NetworkEvaluation extends NamedResult, DetailedEvaluation {}

/**
 * Labels every pixel of a picture of any size.
 *
 * @returns Class ids. [H, W]
 * @throws {RangeError} If the picture's bytes do not fill its size.
 */
export async function predictImage(
  { network, weights, config }: Trained,
  picture: RgbImage,
  look: Look = {},
): Promise<Uint8Array> {
  return await predict(network, weights, sampleOf(picture), lookOptions(config, look));
}

/**
 * A picture as data sets have it, without a label.
 *
 * @throws {RangeError} If its bytes do not fill its size.
 */
export function sampleOf({ width, height, data }: RgbImage): Sample {
  if (width < 1 || height < 1 || data.length !== 3 * width * height) {
    throw new RangeError(
      `Cannot label a picture: ${data.length} bytes are not ${width}×${height} RGB pixels`,
    );
  }
  return { name: "picture", width, height, image: data, label: null };
}

/**
 * Measures a network on labelled pictures.
 *
 * @throws {RangeError} If there is no such split, its pictures have other classes, or a
 * file of it is missing or damaged; if a subset names an unknown class, or "trimap" is not
 * a whole number above 0.
 */
export async function evaluateNetwork(
  { network, weights, config, classes, path }: Trained,
  { split, seen, signal, subsets = [], trimap, cache = null, ...look }: EvaluateOptions =
    {},
): Promise<NetworkEvaluation> {
  if (trimap !== undefined && !(Number.isSafeInteger(trimap) && trimap > 0)) {
    throw new RangeError(
      `Cannot score within ${trimap} pixels of boundaries: "trimap" must be a whole ` +
        "number, 1 or more",
    );
  }
  const groups = subsets.length > 0
    ? subsets.map((text) => findSubset(text, classes))
    : usualSubsets(config, classes);
  const name = split ?? Object.keys(config.data.evaluations)[0] ?? "";
  const data = await openDataSet(evaluationSpec(config.data, name, cache));
  const [known, there] = [classes, data.classes].map((all) =>
    all.map(({ name }) => name).join(", ")
  );
  if (known !== there) {
    throw new RangeError(
      `Cannot evaluate "${path}" on "${data.name}": it knows the classes ${known} and ` +
        `the data set has ${there}`,
    );
  }
  const options = { ...lookOptions(config, look), trimap: trimap ?? null };
  const result = await evaluate(network, weights, data, options, seen, signal);
  const means = groups.map((group) => subsetFigures(group, result.classes));
  return { split: name, ...result, subsets: means };
}
