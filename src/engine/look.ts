/** How a trained network looks at pictures: as its run did, or harder. @module */
import type { RunConfig } from "../config/schema.ts";
import type { Size } from "../config/size.ts";
import type { EvaluationOptions } from "./evaluate.ts";
import { evaluationOptions } from "./evaluations.ts";

/** What to do beyond what the run's configuration says. */
export interface Look {
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
  /**
   * Whether to look through windows, whose logits are averaged where they overlap.
   *
   * @default {false}
   */
  readonly slide?: boolean;
}

// Two thirds of the window, as the published evaluations of sliding models have it.
const STRIDE = 2 / 3;

/**
 * The options of an evaluation.
 *
 * A window is the configuration's or, without one, the size of a training crop.
 *
 * @throws {RangeError} If there is no scale, or one that is not above 0.
 */
export function lookOptions(
  config: RunConfig,
  { scales = [1], flip = false, slide = false }: Look,
): EvaluationOptions {
  assertScales(scales);
  const { window, stride, mode } = config.evaluation;
  const side = window ?? config.data.crop;
  return {
    ...evaluationOptions(config),
    mode: slide ? "slide" : mode,
    window: side,
    stride: window === null || stride === null ? strideOf(side) : stride,
    scales,
    flip,
  };
}

/** @throws {RangeError} If there is no scale, or one that is not above 0. */
export function assertScales(scales: readonly number[]): void {
  if (scales.length > 0 && scales.every((scale) => scale > 0 && scale < Infinity)) return;
  throw new RangeError(
    `Cannot look at the scales [${scales.join(", ")}]: give numbers above 0, as 0.75,1`,
  );
}

function strideOf({ height, width }: Size): Size {
  const part = (side: number) => Math.max(1, Math.floor(side * STRIDE));
  return { height: part(height), width: part(width) };
}
