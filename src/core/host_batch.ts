/** Batches as the data loader makes them: typed arrays, no tensors. @module */

/** The label of pixels that have no class and count in no loss or metric. */
export const IGNORE_INDEX = 255;

/** Height and width of an image, in pixels. */
export interface Size {
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
}

/** What a class may be called: a line of up to 200 characters. */
export const CLASS_NAME = /^\P{Cc}{1,200}$/u;

/** How a class is shown. */
export interface ClassInfo {
  /** For tables; as {@linkcode CLASS_NAME}. */
  readonly name: string;
  /** Red, green, blue in 0 … 255. */
  readonly color: readonly [number, number, number];
}

/** Values of pixels, of 8 or of 16 bits. */
export type Pixels = Uint8Array | Uint16Array;

/** Mean and standard deviation of the normalization, per channel, in 0 … 255. */
export interface Normalization {
  /** Red, green, blue. */
  readonly mean: readonly [number, number, number];
  /** Red, green, blue. */
  readonly std: readonly [number, number, number];
}

/** The statistics of ImageNet, used by every published backbone. */
export const IMAGENET: Normalization = {
  mean: [123.675, 116.28, 103.53],
  std: [58.395, 57.12, 57.375],
};

/** B labeled crops of H×W pixels. */
export interface LabeledCrops {
  /** File names, for messages. */
  readonly fileNames: readonly string[];
  /** Normalized RGB. [B, H, W, 3] */
  readonly images: Float32Array<ArrayBuffer>;
  /** Class ids, {@linkcode IGNORE_INDEX} elsewhere. [B, H, W] */
  readonly labels: Uint8Array<ArrayBuffer>;
}

/** B crops without labels. */
export type UnlabeledCrops = Omit<LabeledCrops, "labels">;

/** One draw of the loader. */
export interface HostBatch {
  /** B */
  readonly batchSize: number;
  /** H */
  readonly height: number;
  /** W */
  readonly width: number;
  /** Labeled crops of the source domain. */
  readonly source: LabeledCrops;
  /** Crops of the target domain; null where the method needs none. */
  readonly target: UnlabeledCrops | null;
}
