/** Augmentation of labeled crops: settings, their limits and defaults. @module */
import * as z from "../core/zod.ts";
import { fraction, nonNegative } from "./ranges.ts";

/** Crops are turned about their center, as `RandomRotation` of torchvision does. */
export interface RotationConfig {
  /** Angles are uniform in −`maxDegrees` … `maxDegrees`. */
  readonly maxDegrees: number;
  /** Share of labeled crops. */
  readonly probability: number;
}

/** Colors change in random order, as in `ColorJitter` of torchvision. */
export interface ColorJitterConfig {
  /** The factor is uniform in max(0, 1 − `brightness`) … 1 + `brightness`. */
  readonly brightness: number;
  /** Likewise, of the distance from the mean of the gray image. */
  readonly contrast: number;
  /** Likewise, of the distance from gray; nothing in images of fewer than three channels. */
  readonly saturation: number;
  /** Turns of the color wheel, uniform in −`hue` … `hue`; only where `saturation` works. */
  readonly hue: number;
  /** Share of labeled crops. */
  readonly probability: number;
}

/** Gaussian blur, as in `GaussianBlur` of torchvision. */
export interface BlurConfig {
  /** Least and largest standard deviation in pixels; it is uniform between them. */
  readonly sigma: readonly [number, number];
  /** Length of the filter in pixels, odd; null: 6σ + 1, rounded and made odd. */
  readonly kernelSize: number | null;
  /** Share of labeled crops. */
  readonly probability: number;
}

/** A rectangle becomes the mean color, as in `RandomErasing` of torchvision. */
export interface RandomErasingConfig {
  /** Share of labeled crops. */
  readonly probability: number;
  /** Least and largest share of the crop's area. */
  readonly scale: readonly [number, number];
  /** Least and largest height / width; its logarithm is uniform. */
  readonly ratio: readonly [number, number];
  /** "ignore": erased pixels lose their class; "keep": it is to be guessed. */
  readonly label: "ignore" | "keep";
}

/** In this order; null: not at all. Crops without labels are left as they are. */
export interface AugmentationConfig {
  /** Of image and label, before anything else. */
  readonly rotation: RotationConfig | null;
  /** Of the first three channels. */
  readonly colorJitter: ColorJitterConfig | null;
  /** Of all channels. */
  readonly blur: BlurConfig | null;
  /** After normalization and padding. */
  readonly randomErasing: RandomErasingConfig | null;
}

/** Least and largest of two numbers. */
function range(limit: z.ZodNumber, defaults: readonly [number, number]) {
  return z.tuple([limit, limit]).refine(([min, max]) => min <= max, {
    error: ({ input }) =>
      `must be the least and the largest value, in this order: received ${
        JSON.stringify(input)
      }`,
  }).default([...defaults]);
}

const probability = fraction.default(1);

/** Limits and defaults of {@linkcode AugmentationConfig}: the defaults of torchvision. */
export const AugmentationSchema = z.strictObject({
  rotation: z.strictObject({
    maxDegrees: z.number().positive().lte(180),
    probability,
  }).nullable().default(null),
  colorJitter: z.strictObject({
    brightness: nonNegative.default(0),
    contrast: nonNegative.default(0),
    saturation: nonNegative.default(0),
    hue: z.number().gte(0).lte(0.5).default(0),
    probability,
  }).refine(
    ({ probability: _, ...strengths }) =>
      Object.values(strengths).some((strength) => strength > 0),
    {
      error: 'must change "brightness", "contrast", "saturation" or "hue": all are 0',
    },
  ).nullable().default(null),
  blur: z.strictObject({
    sigma: range(z.number().positive().lte(100), [0.1, 2]),
    kernelSize: z.int().gte(1).lte(999).refine((size) => size % 2 === 1, {
      error: ({ input }) => `must be odd: received ${input}`,
    }).nullable().default(null),
    probability,
  }).nullable().default(null),
  randomErasing: z.strictObject({
    probability: fraction.default(0.5),
    scale: range(fraction, [0.02, 0.33]),
    ratio: range(z.number().positive(), [0.3, 3.3]),
    label: z.enum(["ignore", "keep"]).default("ignore"),
  }).nullable().default(null),
});
