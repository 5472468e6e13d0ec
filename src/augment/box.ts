/** Boxes that are cut out of images or filled from other ones. @module */
import { derive, type OrDecided, upload } from "../core/decided.ts";
import type { Random } from "../core/random.ts";
import * as tf from "../core/tf.ts";

/** Height and width of an image, in pixels. */
interface Size {
  readonly height: number;
  readonly width: number;
}

/** A rectangle of pixels. */
export interface Box extends Size {
  readonly top: number;
  readonly left: number;
}

/**
 * Draws a box of half of the area: more than half as wide as the image, as high as it must.
 *
 * Source: U2PL, Wang et al. (CVPR 2022), https://arxiv.org/abs/2203.03884. At 513 pixels
 * the width is one of 257 … 512.
 */
export function drawHalfBox({ height: H, width: W }: Size, random: Random): Box {
  const narrowest = Math.min(W, Math.trunc(W / 2 + 1));
  const width = narrowest + random.integer(Math.max(1, W - narrowest));
  const height = Math.min(H, Math.max(1, Math.round(H * W / 2 / width)));
  return placed({ height, width }, { height: H, width: W }, random);
}

/** Shares of the image, and ratios of height to width, that a small box may have. */
const AREAS = [0.02, 0.4] as const;
const RATIOS = [0.3, 1 / 0.3] as const;

/**
 * Draws a box of 2 % to 40 % of the area whose sides have a ratio of 0.3 … 1/0.3.
 *
 * Source: UniMatch, Yang et al. (CVPR 2023), https://arxiv.org/abs/2208.09910. A side that
 * is longer than the image's is cut, where the source draws again.
 */
export function drawSmallBox(image: Size, random: Random): Box {
  const between = ([low, high]: readonly [number, number]) =>
    low + (high - low) * random.uniform();
  const area = image.height * image.width * between(AREAS);
  const ratio = between(RATIOS);
  const side = (length: number, most: number) =>
    Math.min(most, Math.max(1, Math.trunc(length)));
  const height = side(Math.sqrt(area * ratio), image.height);
  const width = side(Math.sqrt(area / ratio), image.width);
  return placed({ height, width }, image, random);
}

function placed(box: Size, image: Size, random: Random): Box {
  const top = random.integer(image.height - box.height + 1);
  const left = random.integer(image.width - box.width + 1);
  return { top, left, ...box };
}

/**
 * Marks the pixels of a box in each image.
 *
 * @param boxes One per image, or null for none.
 * @returns int32, 1 inside, else 0. [B, H, W]; the caller owns it.
 */
export function boxMask(
  boxes: OrDecided<readonly (Box | null)[]>,
  batch: number,
  { height, width }: Size,
): tf.Tensor {
  // Two short rows per image instead of all of its pixels go to the device.
  const marks = (length: number, of: (box: Box) => readonly [number, number]) =>
    derive(boxes, (boxes) => {
      const cells = new Int32Array(batch * length);
      boxes.forEach((box, b) => {
        if (box === null) return;
        const [from, count] = of(box);
        cells.fill(1, b * length + from, b * length + from + count);
      });
      return cells;
    });
  return tf.tidy(() => {
    const rows = marks(height, ({ top, height }) => [top, height]);
    const columns = marks(width, ({ left, width }) => [left, width]);
    return tf.mul(
      upload<tf.Rank.R3>(rows, [batch, height, 1], "int32"),
      upload<tf.Rank.R3>(columns, [batch, 1, width], "int32"),
    );
  });
}
