/** What chance does to one labeled crop, beyond scale, place and mirroring. @module */
import type { Size } from "../../core/host_batch.ts";
import type { Random } from "../../core/random.ts";
import type { CropWindow } from "../class_counts.ts";
import {
  type ColorChange,
  type ColorJitterOptions,
  drawColorJitter,
} from "./color_jitter.ts";
import { type Blur, type BlurOptions, drawBlur } from "./gaussian_blur.ts";
import { drawErasedBox, type RandomErasingOptions } from "./random_erasing.ts";
import { drawRotation, type RotationOptions } from "./rotation.ts";

/** In the order in which it happens to a crop; null: not at all. */
export interface AugmentationOptions {
  readonly rotation: RotationOptions | null;
  readonly colorJitter: ColorJitterOptions | null;
  readonly blur: BlurOptions | null;
  readonly randomErasing:
    | (RandomErasingOptions & {
      /** Whether erased pixels keep their class. */
      readonly label: "ignore" | "keep";
    })
    | null;
}

/** The random draws for one crop. */
export interface DrawnAugmentation {
  /** By which it is turned, counterclockwise; 0: it is not. */
  readonly degrees: number;
  /** In their order. */
  readonly colorChanges: readonly ColorChange[];
  /** Null: it stays sharp. */
  readonly blur: Blur | null;
  /** Null: nothing is erased. */
  readonly erased: (CropWindow & { readonly keepsLabel: boolean }) | null;
}

/** Leaves a crop as it is. */
export const NO_AUGMENTATION: DrawnAugmentation = {
  degrees: 0,
  colorChanges: [],
  blur: null,
  erased: null,
};

/**
 * Makes the random draws for one crop.
 *
 * @param options Null: nothing happens to it.
 * @param cropSize The size of the whole crop, with what pads a small image.
 * @param randomFor A source of randomness per step: what is drawn for one does not depend on
 *   whether there are others.
 */
export function drawAugmentation(
  options: AugmentationOptions | null,
  cropSize: Size,
  randomFor: (step: keyof AugmentationOptions) => Random,
): DrawnAugmentation {
  if (options === null) return NO_AUGMENTATION;
  const { rotation, colorJitter, blur, randomErasing } = options;
  const box = randomErasing &&
    drawErasedBox(randomErasing, cropSize, randomFor("randomErasing"));
  return {
    degrees: rotation === null ? 0 : drawRotation(rotation, randomFor("rotation")),
    colorChanges: colorJitter === null
      ? []
      : drawColorJitter(colorJitter, randomFor("colorJitter")),
    blur: blur && drawBlur(blur, randomFor("blur")),
    erased: box && { ...box, keepsLabel: randomErasing?.label === "keep" },
  };
}
