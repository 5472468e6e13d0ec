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

/** The most channels of an image. */
export const MAX_CHANNELS = 64;

/** What the values of an image are. */
export interface PixelFormat {
  /** Values per pixel, 1 … {@linkcode MAX_CHANNELS}. */
  readonly channels: number;
  /** Bits per value. */
  readonly bitDepth: 8 | 16;
}

/** Red, green and blue of 8 bits. */
export const RGB_FORMAT: PixelFormat = { channels: 3, bitDepth: 8 };

/** Channels and bits for messages, as "4 channels of 16 bits". */
export const describeFormat = ({ channels, bitDepth }: PixelFormat): string =>
  `${channels} ${channels === 1 ? "channel" : "channels"} of ${bitDepth} bits`;

/** Whether images are red, green and blue of 8 bits. */
export const isRgbFormat = ({ channels, bitDepth }: PixelFormat): boolean =>
  channels === 3 && bitDepth === 8;

/** A picture of any number of channels, of 8 or 16 bits. */
export interface Picture extends Size {
  /** C; red, green and blue if left out. */
  readonly channels?: number;
  /** [H, W, C] */
  readonly data: Pixels;
}

/** Mean and standard deviation of the normalization, in the units of the pixels. */
export interface Normalization {
  /** Per channel; of pictures, red, green, blue. */
  readonly mean: readonly number[];
  /** Likewise. */
  readonly std: readonly number[];
}

/** 65535 / 255: what 16 bits have for each step of 8. */
export const STEPS_OF_16_BITS = 257;

/** The statistics of ImageNet, used by every published backbone. */
export const IMAGENET = {
  mean: [123.675, 116.28, 103.53],
  std: [58.395, 57.12, 57.375],
} as const satisfies Normalization;

/** B labeled crops of H×W pixels. */
export interface LabeledCrops {
  /** File names, for messages. */
  readonly fileNames: readonly string[];
  /** Normalized; the channels of pictures are red, green, blue. [B, H, W, C] */
  readonly images: Float32Array<ArrayBuffer>;
  /** Class ids, {@linkcode IGNORE_INDEX} elsewhere. [B, H, W] */
  readonly labels: Uint8Array<ArrayBuffer>;
}

/** A rectangle of pixels. */
export interface Box extends Size {
  readonly top: number;
  readonly left: number;
}

/** B crops without labels. */
export interface UnlabeledCrops extends Omit<LabeledCrops, "labels"> {
  /**
   * Of each crop, the pixels whose pseudo-labels count.
   * @default {all of them}
   */
  readonly countedBoxes?: readonly Box[];
}

/** What a rank knows of the batch that it has a part of, see `ranks.ts`. */
export interface BatchPart {
  /** The indices in the batch of the images of the part, see `partIndices`. */
  readonly indices: readonly number[];
  /** The images of the batch. */
  readonly batchSize: number;
  /** The values that occur in the labels of each image of the batch, in ascending order. */
  readonly labelValues: readonly (readonly number[])[];
}

/** How many images there are to draw something for. */
export interface BatchCount {
  /** B */
  readonly batchSize: number;
  /**
   * Of which batch they are a part.
   * @default {they are all}
   */
  readonly part?: BatchPart | undefined;
}

/**
 * Draws something for each image. For a part of a batch it is drawn for all of the batch, so
 * that no draw depends on how a batch is divided.
 */
export function drawEach<T>({ batchSize, part }: BatchCount, draw: () => T): T[] {
  const all = Array.from({ length: part?.batchSize ?? batchSize }, draw);
  return part === undefined ? all : all.filter((_, i) => part.indices.includes(i));
}

/** One draw of the loader. */
export interface HostBatch extends BatchCount {
  /** H */
  readonly height: number;
  /** W */
  readonly width: number;
  /** Labeled crops of the source domain. */
  readonly source: LabeledCrops;
  /** Crops of the target domain; null where the method needs none. */
  readonly target: UnlabeledCrops | null;
}
