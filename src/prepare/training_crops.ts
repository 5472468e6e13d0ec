/** What a network gets to see of a data set. @module */
import { assertNormalization } from "../config/data.ts";
import type { RunConfig } from "../config/schema.ts";
import type { ClassInfo, Pixels } from "../core/host_batch.ts";
import { openLoader } from "../data/loader.ts";
import { createThumbnail, type Thumbnail } from "../data/pipelines.ts";
import { trainingLoaderSpec } from "./data_specs.ts";
import { isConfigFile } from "./splits_to_prepare.ts";

/** Says why crops of what is prepared cannot be drawn; null if they can. */
export const cropPicturesProblem = (dataset: string): string | null =>
  isConfigFile(dataset)
    ? null
    : `Cannot draw crops of "${dataset}": a configuration says how they are made: name one, ` +
      "which ends in .yaml";

/**
 * The labeled crops of the first iterations of a run: scaled, cropped, mirrored, augmented.
 *
 * @param cacheFolder Where class statistics are kept; null for nowhere.
 * @param count How many crops.
 * @param maxWidth In pixels.
 * @throws {RangeError} If images cannot be normalized.
 */
export async function trainingCropPictures(
  config: RunConfig,
  cacheFolder: string | null,
  count: number,
  maxWidth: number,
): Promise<{ classes: readonly ClassInfo[]; thumbnails: Thumbnail[] }> {
  assertNormalization(config.data, "draw crops");
  const spec = trainingLoaderSpec(config, cacheFolder);
  const channels = spec.normalization.mean.length;
  // Labeled crops are the same without a target.
  const loader = await openLoader({ ...spec, target: null, numWorkers: 0 });
  try {
    const thumbnails: Thumbnail[] = [];
    for (let iteration = 0; thumbnails.length < count; iteration++) {
      const { height, width, source } = await loader.batch(iteration);
      const pixels = height * width;
      for (const [item, name] of source.fileNames.entries()) {
        const [from, to] = [item * pixels, (item + 1) * pixels];
        const values = source.images.subarray(channels * from, channels * to);
        const image = pixelsOf(values, config.data);
        const label = source.labels.subarray(from, to);
        const crop = { name, channels, height, width, image, label };
        thumbnails.push(createThumbnail(crop, maxWidth));
      }
    }
    return { classes: loader.classes, thumbnails: thumbnails.slice(0, count) };
  } finally {
    await loader.close();
  }
}

// The pixels of normalized ones. [H, W, C]
function pixelsOf(
  values: Float32Array,
  { normalization: { mean, std }, bitDepth }: RunConfig["data"],
): Pixels {
  const channels = mean.length;
  const pixels = bitDepth === 16
    ? new Uint16Array(values.length)
    : new Uint8Array(values.length);
  values.forEach((value, i) => {
    const c = i % channels;
    pixels[i] = Math.round(value * (std[c] ?? 1) + (mean[c] ?? 0));
  });
  return pixels;
}
