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

/** Where the image that a crop was cut from lies, in pixels of the crop. */
export interface ImagePlacement extends Size {
  /** The first row of the image, often above the crop: negative. */
  readonly top: number;
  /** The first column, often left of the crop. */
  readonly left: number;
  /** Whether the image was mirrored. */
  readonly isFlipped: boolean;
}

/** B crops without labels. */
export interface UnlabeledCrops extends Omit<LabeledCrops, "labels"> {
  /** Of every crop; absent where crops are whole images. */
  readonly placements?: readonly ImagePlacement[];
}

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
