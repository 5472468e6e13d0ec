/** Measuring a network on the data sets of its run. @module */
import { primaryNetworkAt } from "../config/method.ts";
import type { RunConfig } from "../config/schema.ts";
import type { Network } from "../core/network.ts";
import { openDataSet } from "../data/open_data_set.ts";
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
  type EvaluationResult,
  type Prediction,
} from "./evaluate.ts";
import {
  type EvaluationOptions,
  evaluationOptionsOf,
  evaluationOptionsWith,
  type TestTimeAugmentation,
  type TrainedNetwork,
} from "./predict_image.ts";

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
