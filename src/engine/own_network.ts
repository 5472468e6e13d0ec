/** What a network of the user's own is for: labelling a picture, being measured. @module */
import { type ClassInfo, IMAGENET, type Normalisation } from "../core/host_batch.ts";
import type { RgbImage } from "../core/image_codec.ts";
import type { Network, Weights } from "../core/network.ts";
import type { DataSet } from "../data/data_set.ts";
import {
  evaluate,
  type EvaluationOptions,
  type EvaluationResult,
  predict,
} from "./evaluate.ts";
import type { EvaluateOptions } from "./use_network.ts";

/** A network, its weights and what they expect of pictures. */
export interface OwnNetwork {
  /** From `network` or of your own. */
  readonly network: Network;
  /** All that it asks for. */
  readonly weights: Weights;
  /**
   * What the weights were trained with.
   *
   * @default {IMAGENET}
   */
  readonly normalisation?: Normalisation;
}
