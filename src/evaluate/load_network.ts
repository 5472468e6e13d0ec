/** A checkpoint → a network that predicts. @module */
import { parseConfig, withListFolder } from "../config/read.ts";
import type { RunConfig } from "../config/schema.ts";
import {
  type BackendChoice,
  type BackendInfo,
  type CpuOptions,
  openBackend,
} from "../core/backend.ts";
import type { ClassInfo, Picture } from "../core/host_batch.ts";
import { releaseWeights } from "../core/weights.ts";
import { readCheckpointSection } from "../weights/checkpoint.ts";
import { loadCheckpoint } from "../weights/checkpoint_file.ts";
import { checkpointNetwork } from "./checkpoint_network.ts";
import {
  evaluateNetwork,
  type EvaluateOptions,
  type NamedEvaluation,
} from "./evaluate_network.ts";
import {
  predictImage,
  type TestTimeAugmentation,
  type TrainedNetwork,
} from "./predict_image.ts";
import type { NetworkFactory } from "./custom_network.ts";
import { listFolderOf, withoutListFolder } from "./recorded_data.ts";

/** A network with its weights, and the run that they come from. */
export interface LoadedNetwork {
  /** Where it was. */
  readonly path: string;
  /** Its run's configuration, with overrides. */
  readonly config: RunConfig;
  /** What it tells apart, in the order of their ids. */
  readonly classes: readonly ClassInfo[];
  /** Iterations of its training. */
  readonly iteration: number;
  /** Whose weights these are. */
  readonly role: "student" | "teacher";
  /** Where it computes. */
  readonly backend: BackendInfo;
  /**
   * Labels every pixel of a picture of any size.
   *
   * @returns Class ids. [H, W]
   * @throws {RangeError} If the picture's bytes do not fill its size.
   */
  predict(picture: Picture, augmentation?: TestTimeAugmentation): Promise<Uint8Array>;
  /**
   * Measures it on labeled pictures.
   *
   * @throws {RangeError} If there is no such split, its pictures have other classes, or a
   * file of it is missing or damaged.
   */
  evaluate(options?: EvaluateOptions): Promise<NamedEvaluation>;
  /** Frees the weights. */
  release(): void;
  /** Frees the weights; for `using`. */
  [Symbol.dispose](): void;
}

/** Which weights to take, and what to change about the run. */
export interface LoadNetworkOptions extends CpuOptions {
  /** Values that replace those of the run's configuration, as `data.root=FOLDER`. */
  readonly overrides?: readonly string[];
  /**
   * Whether to take the teacher's weights, or the student's. By default those that the
   * run is for: the teacher's for semi-supervised methods, else the student's.
   */
  readonly teacher?: boolean;
  /**
   * Where to compute.
   *
   * @default {"auto"}
   */
  readonly backend?: BackendChoice;
  /** What made the network, where it was not the configuration's `model`. */
  readonly makeNetwork?: NetworkFactory;
  /** Called with what was assumed about the file, a line per kind. */
  readonly log?: (line: string) => void;
}

/** A network with its weights, whose they are, and where they are. */
export interface LoadedWeights extends TrainedNetwork {
  /** Iterations of its training. */
  readonly iteration: number;
  /** Whose weights these are. */
  readonly role: "student" | "teacher";
  /** Where it computes. */
  readonly backend: BackendInfo;
}

/**
 * Loads the network of a checkpoint and its weights, and starts the backend.
 *
 * @param path A `.safetensors` file that a run has saved.
 * @returns The caller releases the weights.
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {SyntaxError} If it is damaged, or no checkpoint, or an override does not fit.
 * @throws {RangeError} If it has no teacher and one is wanted.
 * @throws {WeightsMismatchError} If its weights do not fit its configuration.
 */
export async function loadTrainedNetwork(
  path: string,
  options: LoadNetworkOptions = {},
): Promise<LoadedWeights> {
  const { overrides = [], teacher, backend = "auto", makeNetwork } = options;
  const { native = "off", threads = 1, log = () => {} } = options;
  const checkpoint = await loadCheckpoint(path, log);
  const { classes, iteration } = checkpoint.metadata;
  // JSON is YAML: what a file may hold is checked in one place.
  const record = JSON.stringify(withoutListFolder(checkpoint.metadata.config));
  const saved = parseConfig(record, path, overrides, log);
  const config = await withListFolder(saved, listFolderOf(path));
  const { role, network, section } = checkpointNetwork(checkpoint, config, path, {
    teacher,
    makeNetwork,
  });
  const backendInfo = await openBackend(backend, { native, threads });
  log(`network    ${role} after ${iteration} iterations`);
  const weights = readCheckpointSection(
    network.parameters,
    section,
    path,
  );
  return {
    path,
    config,
    classes,
    network,
    weights,
    overrides,
    iteration,
    role,
    backend: backendInfo,
  };
}

/**
 * Loads a checkpoint and starts the backend.
 *
 * @param path A `.safetensors` file that a run has saved.
 * @returns The caller releases it, or says `using`.
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {SyntaxError} If it is damaged, or no checkpoint, or an override does not fit.
 * @throws {RangeError} If it has no teacher and one is wanted.
 * @throws {WeightsMismatchError} If its weights do not fit its configuration.
 */
export async function loadNetwork(
  path: string,
  options: LoadNetworkOptions = {},
): Promise<LoadedNetwork> {
  const trainedNetwork = await loadTrainedNetwork(path, options);
  const { config, classes, iteration, role, backend, weights } = trainedNetwork;
  const release = () => releaseWeights(weights);
  return {
    path,
    config,
    classes,
    iteration,
    role,
    backend,
    predict: (picture, augmentation) =>
      predictImage(trainedNetwork, picture, augmentation),
    evaluate: (options) => evaluateNetwork(trainedNetwork, options),
    release,
    [Symbol.dispose]() {
      try {
        release();
      } catch {
        // A device that has failed cannot free; its first error is the one to show.
      }
    },
  };
}
