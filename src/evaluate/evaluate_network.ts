/** What a loaded network is for: labeling a picture, being measured. @module */
import { primaryNetworkAt } from "../config/method.ts";
import type { Size } from "../config/ranges.ts";
import type { RunConfig } from "../config/schema.ts";
import type { ClassInfo } from "../core/host_batch.ts";
import type { Network, Weights } from "../core/network.ts";
import { openDataSet } from "../data/open_data_set.ts";
import type { Sample } from "../data/data_set.ts";
import type { RgbImage } from "../formats/image_codec.ts";
import type { Learner } from "../methods/learner.ts";
import { evaluationSpec, evaluationSpecs } from "../prepare/data_specs.ts";
import {
  findSubset,
  publishedSubsets,
  type SubsetMetrics,
  subsetMetrics,
} from "./class_subsets.ts";
import { confineToGiven } from "./recorded_data.ts";
import {
  type DetailedEvaluation,
  evaluate,
  type EvaluationOptions,
  type EvaluationResult,
  type Prediction,
  predictSample,
} from "./evaluate.ts";

/** A network, its weights, and what is known about them. */
export interface TrainedNetwork {
  /** For messages. */
  readonly path: string;
  readonly config: RunConfig;
  readonly classes: readonly ClassInfo[];
  readonly network: Network;
  readonly weights: Weights;
  /**
   * What the user has set of the configuration, where the rest of it is the record of a
   * checkpoint; left out where all of it is the user's.
   */
  readonly overrides?: readonly string[];
}

/** What to measure a network on, and how. */
export interface EvaluateOptions extends TestTimeAugmentation {
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
   * Folder of the indexes of a data set's archives.
   *
   * @default {null}, nowhere
   */
  readonly cache?: string | null | undefined;
  /** Receives what to know about the data set, a sentence each. */
  readonly log?: (line: string) => void;
  /** Called with every image, in order. */
  readonly onPrediction?: (
    prediction: Prediction,
    done: number,
    of: number,
  ) => void | Promise<void>;
  /** Stops after the current image; the metrics are then of the images so far. */
  readonly signal?: AbortSignal;
}

/** The figures of one network on one named data set. */
export interface NamedResult extends EvaluationResult {
  /** The name of the evaluation in the configuration. */
  readonly split: string;
  /** Means over groups of classes; of a run, the two of SYNTHIA where that is its source. */
  readonly subsets: readonly SubsetMetrics[];
}

/** What a network was found to do on a named data set. */
export interface NamedEvaluation extends NamedResult, DetailedEvaluation {}

/**
 * Labels every pixel of a picture of any size.
 *
 * @returns Class ids. [H, W]
 * @throws {RangeError} If the picture's bytes do not fill its size.
 */
export async function predictImage(
  { network, weights, config }: TrainedNetwork,
  image: RgbImage,
  augmentation: TestTimeAugmentation = {},
): Promise<Uint8Array> {
  return await predictSample(
    network,
    weights,
    sampleFromImage(image),
    evaluationOptionsWith(config, augmentation),
  );
}

/**
 * A picture as data sets have it, without a label.
 *
 * @throws {RangeError} If its bytes do not fill its size.
 */
export function sampleFromImage({ width, height, data }: RgbImage): Sample {
  if (width < 1 || height < 1 || data.length !== 3 * width * height) {
    throw new RangeError(
      `Cannot label a picture: ${data.length} bytes are not ${width}×${height} RGB pixels`,
    );
  }
  return { name: "picture", width, height, image: data, label: null };
}

/**
 * Measures a network on labeled pictures.
 *
 * @throws {RangeError} If there is no such split, its pictures have other classes, or a
 * file of it is missing or damaged; if a subset names an unknown class, or "trimap" is not
 * a whole number above 0.
 */
export async function evaluateNetwork(
  { network, weights, config, classes, path, overrides }: TrainedNetwork,
  {
    split,
    onPrediction,
    signal,
    subsets = [],
    trimap,
    cache = null,
    log = () => {},
    ...augmentation
  }: EvaluateOptions = {},
): Promise<NamedEvaluation> {
  if (trimap !== undefined && !(Number.isSafeInteger(trimap) && trimap > 0)) {
    throw new RangeError(
      `Cannot score within ${trimap} pixels of boundaries: "trimap" must be a whole ` +
        "number, 1 or more",
    );
  }
  const classGroups = subsets.length > 0
    ? subsets.map((text) => findSubset(text, classes))
    : publishedSubsets(config, classes);
  const name = split ?? Object.keys(config.data.evaluations)[0] ?? "";
  const named = evaluationSpec(config.data, name, cache);
  const spec = overrides ? await confineToGiven(named, path, overrides) : named;
  const data = await openDataSet(spec);
  data.notes?.forEach(log);
  const [networkClasses, dataSetClasses] = [classes, data.classes].map((all) =>
    all.map(({ name }) => name).join(", ")
  );
  if (networkClasses !== dataSetClasses) {
    throw new RangeError(
      `Cannot evaluate "${path}" on "${data.name}": its classes are ${networkClasses} and ` +
        `the data set has ${dataSetClasses}`,
    );
  }
  const options = {
    ...evaluationOptionsWith(config, augmentation),
    trimap: trimap ?? null,
  };
  let turned = 0;
  const count: typeof onPrediction = async (prediction, done, of) => {
    if (prediction.sample.orientation !== undefined) turned++;
    await onPrediction?.(prediction, done, of);
  };
  const result = await evaluate(network, weights, data, options, count, signal);
  const means = classGroups.map((group) => subsetMetrics(group, result.classes));
  const measured = { split: name, ...result, subsets: means };
  if (turned === 0) return measured;
  const note = `${turned} of the ${result.images} pictures are turned by their EXIF ` +
    "orientation, and labels are read as they are stored: look at both with --save";
  return { ...measured, notes: [...result.notes ?? [], note] };
}

/** What to do beyond what the run's configuration says. */
export interface TestTimeAugmentation {
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
  /**
   * Whether to slide a window over the image; logits are averaged where windows overlap.
   *
   * @default {false}
   */
  readonly slide?: boolean;
}

// Two thirds of the window, as the published evaluations of sliding models have it.
const STRIDE_RATIO = 2 / 3;

/**
 * The options of an evaluation.
 *
 * A window is the configuration's or, without one, the size of a training crop.
 *
 * @throws {RangeError} If there is no scale, or one that is not above 0.
 */
function evaluationOptionsWith(
  config: RunConfig,
  { scales = [1], flip = false, slide = false }: TestTimeAugmentation,
): EvaluationOptions {
  assertScales(scales);
  const { windowSize: configured, stride, mode } = config.evaluation;
  const windowSize = configured ?? config.data.cropSize;
  return {
    ...evaluationOptionsOf(config),
    mode: slide ? "slide" : mode,
    windowSize,
    stride: configured === null || stride === null ? defaultStride(windowSize) : stride,
    scales,
    flip,
  };
}

/** @throws {RangeError} If there is no scale, or one that is not above 0. */
export function assertScales(scales: readonly number[]): void {
  if (scales.length > 0 && scales.every((scale) => scale > 0 && scale < Infinity)) return;
  throw new RangeError(
    `Cannot use the scales [${scales.join(", ")}]: give numbers above 0, as 0.75,1`,
  );
}

function defaultStride({ height, width }: Size): Size {
  const scaledSide = (side: number) => Math.max(1, Math.floor(side * STRIDE_RATIO));
  return { height: scaledSide(height), width: scaledSide(width) };
}

/** Figures by the name of the data set; the first name decides which network is best. */
export interface Evaluations {
  /** Empty where only the teacher was asked for. */
  readonly student: ReadonlyMap<string, EvaluationResult>;
  /** Empty without a teacher, or where only the student was asked for. */
  readonly teacher: ReadonlyMap<string, EvaluationResult>;
  /** Which of them the run is for. */
  readonly primaryNetwork: "student" | "teacher";
}

/** The figures that a run is for. */
export function primaryResults(
  evaluations: Evaluations,
): ReadonlyMap<string, EvaluationResult> {
  return evaluations[evaluations.primaryNetwork];
}

/** The inference options of a configuration. */
export function evaluationOptionsOf({ data, evaluation }: RunConfig): EvaluationOptions {
  const { mode, windowSize, stride, maxImages } = evaluation;
  const { resize, normalization } = data;
  return {
    mode,
    windowSize,
    stride,
    maxImages,
    resize,
    normalization,
    scales: [1],
    flip: false,
    centerCrop: null,
    trimap: null,
  };
}

/** What is measured of a run. */
export interface EvaluateRunOptions {
  /** The network that the run is for, or the other one too. */
  readonly networks: "primary" | "both";
  /** Whole images by "evaluation.mode", or "evaluation.centerCrop" of them if it is set. */
  readonly extent: "whole" | "center-crop";
  /** Folder of the indexes of archives; null for none. */
  readonly cache: string | null;
}

/** Evaluates a run on every data set that its configuration names. */
export async function evaluateRun(
  config: RunConfig,
  { network, learner, iteration }: {
    network: Network;
    learner: Learner;
    iteration: number;
  },
  { networks, extent, cache }: EvaluateRunOptions,
): Promise<Evaluations> {
  const primaryNetwork = primaryNetworkAt(config.method, iteration);
  const results = {
    student: new Map<string, EvaluationResult>(),
    teacher: new Map<string, EvaluationResult>(),
  };
  const { centerCrop } = config.evaluation;
  const options: EvaluationOptions = extent === "whole" || centerCrop === null
    ? evaluationOptionsOf(config)
    : { ...evaluationOptionsOf(config), mode: "whole", centerCrop };
  for (const [name, spec] of evaluationSpecs(config.data, cache)) {
    const data = await openDataSet(spec);
    for (const role of ["student", "teacher"] as const) {
      const weights = learner[role];
      if (weights === null || (networks === "primary" && role !== primaryNetwork)) {
        continue;
      }
      const detailed = await evaluate(network, weights, data, options);
      // A summary is for reading: figures without the counts that they come from.
      const { confusion: _counts, trimap: _band, ...result } = detailed;
      results[role].set(name, result);
    }
  }
  return { ...results, primaryNetwork };
}
