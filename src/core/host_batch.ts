/** What the data side hands to the training side: plain arrays, no tensors. @module */

/** The label value of pixels that belong to no class and never enter a loss or a score. */
export const IGNORED = 255;

/** A class as people see it. */
export interface ClassInfo {
  /** For tables. */
  readonly name: string;
  /** For pictures: red, green, blue in 0 … 255. */
  readonly color: readonly [number, number, number];
}

/** Mean and deviation by which images are normalised, per channel, on the 0 … 255 scale. */
export interface Normalisation {
  /** Red, green, blue. */
  readonly mean: readonly [number, number, number];
  /** Red, green, blue. */
  readonly deviation: readonly [number, number, number];
}

/** The statistics of ImageNet, used by every published backbone. */
export const IMAGENET: Normalisation = {
  mean: [123.675, 116.28, 103.53],
  deviation: [58.395, 57.12, 57.375],
};

/** B labelled crops of H×W pixels. */
export interface LabelledCrops {
  /** File names, for messages. */
  readonly names: readonly string[];
  /** Normalised RGB. [B, H, W, 3] */
  readonly images: Float32Array<ArrayBuffer>;
  /** Class ids, {@linkcode IGNORED} elsewhere. [B, H, W] */
  readonly labels: Uint8Array<ArrayBuffer>;
}

/** B crops without labels. */
export type UnlabelledCrops = Omit<LabelledCrops, "labels">;

/** One draw of the loader. */
export interface HostBatch {
  /** B */
  readonly batch: number;
  /** H */
  readonly height: number;
  /** W */
  readonly width: number;
  /** Labelled crops of the source domain. */
  readonly source: LabelledCrops;
  /** Crops of the target domain; null where the method needs none. */
  readonly target: UnlabelledCrops | null;
}
