/** The label map of one picture, as a run's configuration has pictures prepared. @module */
import type { Size } from "../config/ranges.ts";
import type { RunConfig } from "../config/schema.ts";
import {
  type ClassInfo,
  describeFormat,
  type Normalization,
  type Picture,
  type PixelFormat,
} from "../core/host_batch.ts";
import type { Network, Weights } from "../core/network.ts";
import type { Sample } from "../data/data_set.ts";
import { type EvaluationImage, prepareEvaluationImage } from "../data/pipelines.ts";
import { type InferenceOptions, predictLabels } from "./inference.ts";

/** The largest picture that is scaled; as floats, 3 GB. */
const MOST_PIXELS = 2 ** 28;

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

/** How pictures reach the network. */
export interface EvaluationOptions extends InferenceOptions {
  /** The box into which pictures are scaled first, in pixels; null keeps their size. */
  readonly resize: { readonly height: number; readonly width: number } | null;
  /** Times that box; the probabilities of several scales are averaged. */
  readonly scales: readonly number[];
  readonly normalization: Normalization;
  /** At most this many pictures, evenly spread; null for all. */
  readonly maxImages: number | null;
  /** Size of the center crop that is evaluated; null: whole images. */
  readonly centerCrop: Size | null;
  /**
   * Also score the pixels that are no farther than so many from another label or from
   * ignored pixels; null: do not.
   */
  readonly trimap: number | null;
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

/**
 * Labels every pixel of a picture of any size.
 *
 * @returns Class ids. [H, W]
 * @throws {RangeError} If the picture's values do not fill its size, or it has another
 * number of channels or bits than the network reads.
 */
export async function predictImage(
  { network, weights, config }: TrainedNetwork,
  image: Picture,
  augmentation: TestTimeAugmentation = {},
): Promise<Uint8Array> {
  return await predictSample(
    network,
    weights,
    sampleFromImage(image, config.data),
    evaluationOptionsWith(config, augmentation),
  );
}

/**
 * A picture as data sets have it, without a label.
 *
 * @param format What the network reads.
 * @throws {RangeError} If its values do not fill its size, or it has another format.
 */
export function sampleFromImage(
  { width, height, channels = 3, data }: Picture,
  format: PixelFormat,
): Sample {
  const bitDepth = data instanceof Uint16Array ? 16 : 8;
  if (channels !== format.channels || bitDepth !== format.bitDepth) {
    throw new RangeError(
      `Cannot label a picture of ${
        describeFormat({ channels, bitDepth })
      }: the network ` +
        `reads ${describeFormat(format)}`,
    );
  }
  if (width < 1 || height < 1 || data.length !== channels * width * height) {
    const [values, pixels] = channels === 3 && bitDepth === 8
      ? ["bytes", "RGB pixels"]
      : ["values", `pixels of ${channels} channels`];
    throw new RangeError(
      `Cannot label a picture: ${data.length} ${values} are not ${width}×${height} ${pixels}`,
    );
  }
  return { name: "picture", width, height, channels, image: data, label: null };
}

/** Labels one picture at its own size. */
export async function predictSample(
  network: Network,
  weights: Weights,
  sample: Sample,
  options: EvaluationOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { scales, resize, normalization } = options;
  const views = scales.map((scale): EvaluationImage => {
    const targetSize = resize ?? { height: sample.height, width: sample.width };
    const scaled = {
      height: Math.max(1, Math.round(targetSize.height * scale)),
      width: Math.max(1, Math.round(targetSize.width * scale)),
    };
    if (scaled.height * scaled.width > MOST_PIXELS) {
      throw new RangeError(
        `Cannot label "${sample.name}" at scale ${scale}: ${scaled.width}×${scaled.height} ` +
          "pixels are too many: give smaller scales",
      );
    }
    const isUnscaled = scale === 1 && resize === null;
    return prepareEvaluationImage(sample, {
      resize: isUnscaled ? null : scaled,
      normalization,
    });
  });
  return await predictLabels(network, weights, views, options);
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
export function evaluationOptionsWith(
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
