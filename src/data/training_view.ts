/** One training crop: resize → crop → flip → normalise → pad. @module */

import { IGNORED, type Normalisation } from "../core/host_batch.ts";
import type { Random } from "../core/random.ts";
import { countClasses, drawVariedWindow, drawWindow } from "./crop.ts";
import type { Sample } from "./data_set.ts";
import { writeNormalised } from "./normalise.ts";
import { fitBox, resizeBilinear, resizeNearest, type Size } from "./resize.ts";

/** How training crops are made. */
export interface ViewOptions {
  /** The box into which pictures are scaled first; null keeps their size. */
  readonly resize: Size | null;
  /**
   * Factors a ≤ 1 ≤ b of a further scaling by a + (1 − a)·u or 1 + (b − 1)·u, half of the
   * time each, u in [0, 1).
   *
   * @default {null}
   */
  readonly randomScale?: readonly [number, number] | null;
  /**
   * Where small pictures lie in the crop, and what label surrounds them.
   *
   * @default {{ place: "corner", label: 255 }}
   */
  readonly padding?: { readonly place: "corner" | "centre"; readonly label: number };
  /** The size of every crop, in pixels. */
  readonly crop: Size;
  /** The probability of swapping left and right. */
  readonly flip: number;
  /** A labelled crop in which one class has this share or more is drawn anew. */
  readonly largestClassShare: number;
  /** Mean and deviation per channel. */
  readonly normalisation: Normalisation;
}

/** The class for whose sake a picture was chosen. */
export interface WantedClass {
  /** Class id. */
  readonly id: number;
  /** A crop has to hold more pixels of it than this. */
  readonly pixels: number;
}

/** Where a crop goes: the slot of one item in a batch. */
export interface ViewSlot {
  /** Normalised RGB, zero beforehand. [crop.height, crop.width, 3] */
  readonly image: Float32Array;
  /** Class ids; null to leave labels out. [crop.height, crop.width] */
  readonly label: Uint8Array | null;
}

const CORNER = { place: "corner", label: IGNORED } as const;

/** How often a wanted class is looked for; what the last draw gives is taken unseen. */
const DRAWS = 11;

/**
 * Makes one training crop of a sample.
 *
 * Pictures smaller than the crop are padded, with 0 after normalisation; unless the options
 * say otherwise at the bottom and at the right, with label 255.
 *
 * Source: the training pipelines of DAFormer (MMSegmentation 0.16) and its rare class
 * sampling, Hoyer et al., CVPR 2022, https://arxiv.org/abs/2111.14887. Only the crop's part
 * of the scaled picture is computed; the values are the same.
 *
 * @param sample Without a label, the share of the largest class is not looked at.
 * @param random All chance comes from here, in a fixed order.
 * @param slot Where the result goes.
 * @param wanted The class the crop should show, or null.
 */
export function writeTrainingView(
  sample: Sample,
  options: ViewOptions,
  random: Random,
  slot: ViewSlot,
  wanted: WantedClass | null = null,
): void {
  const { crop, normalisation } = options;
  const fitted = fitBox(sample, options.resize);
  const range = options.randomScale ?? null;
  const scaled = range === null ? fitted : scaleBy(fitted, drawScale(range, random));
  const label = sample.label && resizeNearest(sample.label, sample, scaled);

  const draw = () => {
    const window = label === null
      ? drawWindow(scaled, crop, random)
      : drawVariedWindow(label, scaled, crop, options.largestClassShare, random);
    return { window, mirrored: random.uniform() < options.flip };
  };
  let { window, mirrored } = draw();
  if (wanted !== null && label !== null) {
    for (let drawn = 1; drawn < DRAWS; drawn++) {
      const pixels = countClasses(label, scaled.width, window)[wanted.id] ?? 0;
      if (pixels > wanted.pixels) break;
      ({ window, mirrored } = draw());
    }
  }

  const image = resizeBilinear(sample.image, sample, scaled, window);
  const { place, label: surrounding } = options.padding ?? CORNER;
  const margin = (side: "height" | "width") =>
    place === "corner" ? 0 : Math.floor((crop[side] - window[side]) / 2);
  const first = margin("height") * crop.width + margin("width");
  const inside = slot.image.subarray(3 * first);
  writeNormalised(image, window, normalisation, mirrored, inside, crop.width);

  if (slot.label === null) return;
  slot.label.fill(surrounding);
  if (label === null) return;
  for (let row = 0; row < window.height; row++) {
    const start = (window.top + row) * scaled.width + window.left;
    const line = label.subarray(start, start + window.width);
    slot.label.set(mirrored ? line.toReversed() : line, first + row * crop.width);
  }
}

// Source: the random resize of U2PL, Wang et al. (CVPR 2022), with [0.5, 2].
function drawScale([least, largest]: readonly [number, number], random: Random): number {
  const shrinks = random.uniform() < 0.5;
  const u = random.uniform();
  return shrinks ? least + (1 - least) * u : 1 + (largest - 1) * u;
}

function scaleBy({ height, width }: Size, factor: number): Size {
  return {
    height: Math.max(1, Math.floor(height * factor)),
    width: Math.max(1, Math.floor(width * factor)),
  };
}

/**
 * {@linkcode writeTrainingView} into fresh arrays.
 *
 * @returns Normalised RGB [crop.height, crop.width, 3] and class ids [crop.height,
 *   crop.width], which are 255 everywhere if the sample has no label.
 */
export function trainingView(
  sample: Sample,
  options: ViewOptions,
  random: Random,
  wanted: WantedClass | null = null,
): { image: Float32Array<ArrayBuffer>; label: Uint8Array<ArrayBuffer> } {
  const pixels = options.crop.height * options.crop.width;
  const view = { image: new Float32Array(pixels * 3), label: new Uint8Array(pixels) };
  writeTrainingView(sample, options, random, view, wanted);
  return view;
}
