/** A checkpoint → a network that predicts. @module */
import { readConfig } from "../config/read.ts";
import { judgedAt } from "../config/method.ts";
import type { RunConfig } from "../config/schema.ts";
import { type BackendChoice, type BackendInfo, openBackend } from "../core/backend.ts";
import type { ClassInfo } from "../core/host_batch.ts";
import type { RgbImage } from "../core/image_codec.ts";
import { releaseWeights } from "../core/weights.ts";
import { loadCheckpoint, splitSections } from "../weights/checkpoint_file.ts";
import { buildNetwork } from "./build.ts";
import { readSection } from "./learner_file.ts";
import type { Look } from "./look.ts";
import { hasTeacher } from "./method.ts";
import type { MakeNetwork } from "./own_network.ts";
import {
  evaluateNetwork,
  type EvaluateOptions,
  type NetworkEvaluation,
  predictImage,
} from "./use_network.ts";

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
  predict(picture: RgbImage, look?: Look): Promise<Uint8Array>;
  /**
   * Measures it on labelled pictures.
   *
   * @throws {RangeError} If there is no such split, its pictures have other classes, or a
   * file of it is missing or damaged.
   */
  evaluate(options?: EvaluateOptions): Promise<NetworkEvaluation>;
  /** Frees the weights. */
  release(): void;
  /** Frees the weights; for `using`. */
  [Symbol.dispose](): void;
}

/** Which weights to take, and what to change about the run. */
export interface LoadOptions {
  /** Values that replace those of the run's configuration, as `data.root=FOLDER`. */
  readonly overrides?: readonly string[];
  /**
   * Whether to take the teacher's weights, or the student's. By default those that the
   * run is for: the teacher's for the rules of few labels, else the student's.
   */
  readonly teacher?: boolean;
  /**
   * Where to compute.
   *
   * @default {"auto"}
   */
  readonly backend?: BackendChoice;
  /** What made the network, where it was not the configuration's `model`. */
  readonly network?: MakeNetwork;
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
  { overrides = [], teacher: wanted, backend = "auto", network: make }: LoadOptions = {},
): Promise<LoadedNetwork> {
  const { tensors, metadata } = await loadCheckpoint(path);
  const { classes, iteration } = metadata;
  // JSON is YAML: what a file may hold is checked in one place.
  const config = readConfig(JSON.stringify(metadata.config), path, overrides);
  const teacher = wanted ?? judgedAt(config.method, iteration) === "teacher";
  if (teacher && !hasTeacher(config.method)) {
    throw new RangeError(
      `Cannot load a teacher from "${path}": the method "${config.method.name}" has none`,
    );
  }
  const network = make?.(classes.length) ?? buildNetwork(config.model, classes.length);
  const info = await openBackend(backend);
  const role = teacher ? "teacher" : "student";
  const weights = readSection(network.parameters, splitSections(tensors)[role], path);
  const trained = { path, config, classes, network, weights };
  const release = () => releaseWeights(weights);
  return {
    path,
    config,
    classes,
    iteration,
    role,
    backend: info,
    predict: (picture, look) => predictImage(trained, picture, look),
    evaluate: (options) => evaluateNetwork(trained, options),
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
