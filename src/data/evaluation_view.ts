/** A whole picture for evaluation: resize → normalise. @module */

import type { Normalisation } from "../core/host_batch.ts";
import type { Sample } from "./data_set.ts";
import { writeNormalised } from "./normalise.ts";
import { fitBox, resizeBilinear, type Size } from "./resize.ts";

/** A picture for the network and the label it is judged by. */
export interface EvaluationView {
  /** The stem of its files. */
  readonly name: string;
  /** H, after scaling. */
  readonly height: number;
  /** W, after scaling. */
  readonly width: number;
  /** Normalised RGB. [H, W, 3] */
  readonly image: Float32Array<ArrayBuffer>;
  /** The size of the file, at which predictions are judged. */
  readonly original: Size;
  /** Class ids at the original size, 255 ignored; null in a set without labels. */
  readonly label: Uint8Array | null;
}

/**
 * Prepares a sample for evaluation. The label keeps the size of the file: predictions are
 * scaled to it, never the other way round.
 *
 * @param options `resize`: the box into which the picture is scaled, null for none.
 */
export function evaluationView(
  sample: Sample,
  options: { readonly resize: Size | null; readonly normalisation: Normalisation },
): EvaluationView {
  const scaled = fitBox(sample, options.resize);
  const image = new Float32Array(scaled.height * scaled.width * 3);
  const pixels = resizeBilinear(sample.image, sample, scaled);
  writeNormalised(pixels, scaled, options.normalisation, false, image, scaled.width);
  return {
    name: sample.name,
    height: scaled.height,
    width: scaled.width,
    image,
    original: { height: sample.height, width: sample.width },
    label: sample.label,
  };
}
