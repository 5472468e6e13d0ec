/**
 * Perturbations of images with pseudo-labels: a box is cut out, or pixels come from the
 * next image of the batch.
 *
 *   image i ← M·image i + (1 − M)·image (i + 1 mod B), and its label likewise
 *
 * with M = 0 in a box (CutMix) or M = 1 at half of the classes of i, rounded down
 * (ClassMix). Cutout has M = 0 in a box, where the image becomes 0 and the label 255.
 *
 * Sources: French et al., "Semi-Supervised Semantic Segmentation Needs Strong, Varied
 * Perturbations" (BMVC 2020), https://arxiv.org/abs/1906.01916; Olsson et al., "ClassMix"
 * (WACV 2021), https://arxiv.org/abs/2007.07936; as in U2PL, Wang et al. (CVPR 2022),
 * https://arxiv.org/abs/2203.03884.
 *
 * @module
 */
import {
  mapHostInput,
  type MaybeHostInput,
  uploadHostInput,
} from "../core/host_input.ts";
import { sliceBatch } from "../core/batch.ts";
import { type BatchCount, type Box, drawEach, IGNORE_INDEX } from "../core/host_batch.ts";
import type { Random } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { partStart } from "../core/ranks.ts";
import { gatherBatch } from "../ops/across_ranks.ts";
import { classMask, LABEL_VALUES, pasteSource } from "../ops/class_mix/class_mix.ts";

export type { Box } from "../core/host_batch.ts";

/** The kinds of perturbation. */
export type Perturbation = "none" | "cutout" | "cutmix" | "classmix";

/** Height and width of an image, in pixels. */
interface Size {
  readonly height: number;
  readonly width: number;
}

/** The size of a batch of images. */
export interface BatchSize extends BatchCount, Size {}

/** Images with labels or pseudo-labels. */
export interface LabeledImages {
  /** Normalized. [B, H, W, 3] */
  readonly images: tf.Tensor4D;
  /** int32. [B, H, W] */
  readonly labels: tf.Tensor;
}

/** The random draws of one perturbation. */
export interface DrawnPerturbation {
  /** Whether the batch is perturbed at all. */
  readonly isApplied: boolean;
  /** Per image. */
  readonly boxes: readonly Box[];
  /** A random order of all classes, per image: those at the front are chosen. */
  readonly classOrders: readonly (readonly number[])[];
}

/** Makes the random draws of one perturbation. */
export function drawPerturbation(
  probability: number,
  { classCount, ...size }: BatchSize & { readonly classCount: number },
  random: Random,
): DrawnPerturbation {
  const isApplied = random.uniform() < probability;
  const each = <T>(draw: () => T) => drawEach(size, draw);
  return {
    isApplied,
    boxes: each(() => drawHalfBox(size, random)),
    classOrders: each(() => random.sample(classCount, classCount)),
  };
}

/**
 * Perturbs a batch. Without a perturbation the masks change nothing: the same kernels run
 * whatever is drawn.
 *
 * @param classes C; labels are 0 … C − 1.
 * @returns Two tensors; the caller owns them.
 */
export function perturb(
  name: Perturbation,
  input: LabeledImages,
  drawn: MaybeHostInput<DrawnPerturbation>,
  classes: number,
): LabeledImages {
  const [B, height, width] = input.images.shape;
  return tf.tidy(() => {
    if (name === "none") {
      return { images: tf.clone(input.images), labels: tf.clone(input.labels) };
    }
    if (name === "classmix") {
      const mask = randomHalfClassMask(input.labels, drawn, B, classes);
      return { ...pasteWhereMasked(mask, input, rollBatch(input)) };
    }
    const boxes = mapHostInput(
      drawn,
      ({ isApplied, boxes }) => boxes.map((box) => isApplied ? box : null),
    );
    const pasted = name === "cutmix" ? rollBatch(input) : {
      images: tf.zerosLike(input.images),
      labels: tf.fill(input.labels.shape, IGNORE_INDEX, "int32"),
    };
    return { ...pasteWhereMasked(boxMask(boxes, B, { height, width }), pasted, input) };
  });
}

/** The next image of the batch in place of every image; the caller owns the result. */
export function rollBatch(input: LabeledImages): LabeledImages {
  return reorderBatch(input, (x) => {
    const [B = 0] = x.shape;
    if (B === 1) return tf.clone(x);
    return tf.concat([sliceBatch(x, 1, B - 1), sliceBatch(x, 0, 1)], 0);
  });
}

/** The batch in reverse order; the caller owns the result. */
export function reverseBatch(input: LabeledImages): LabeledImages {
  return reorderBatch(input, (x) => {
    const [B = 0] = x.shape;
    return tf.concat(Array.from({ length: B }, (_, i) => sliceBatch(x, B - 1 - i, 1)), 0);
  });
}

// Of the batch of all ranks each keeps the images that its own ones are replaced by.
function reorderBatch(
  { images, labels }: LabeledImages,
  reorder: (x: tf.Tensor) => tf.Tensor,
): LabeledImages {
  const reordered = <T extends tf.Tensor>(x: T): T =>
    tf.tidy(() => {
      const [size = 0] = x.shape;
      return sliceBatch(reorder(gatherBatch(x)), partStart(size), size) as T;
    });
  return tf.tidy(() => ({ images: reordered(images), labels: reordered(labels) }));
}

/** Pixels of one batch where the mask is 1, of the other elsewhere. */
export function pasteWhereMasked(
  mask: tf.Tensor,
  inside: LabeledImages,
  outside: LabeledImages,
): LabeledImages {
  return tf.tidy(() => {
    const pixelWeights = tf.zeros(outside.labels.shape);
    const { images, labels } = pasteSource(mask, inside, { ...outside, pixelWeights });
    return { images: images as tf.Tensor4D, labels };
  });
}

// The host does not know the classes of an image, so it only draws an order of all classes:
// of those that occur, the first half is chosen.
function randomHalfClassMask(
  labels: tf.Tensor,
  drawn: MaybeHostInput<DrawnPerturbation>,
  batchSize: number,
  classCount: number,
): tf.Tensor {
  const ranksByClass = mapHostInput(drawn, ({ classOrders }) => {
    const ranks = new Float32Array(batchSize * classCount);
    classOrders.forEach((order, b) =>
      order.forEach((id, rank) => ranks[b * classCount + id] = rank)
    );
    return ranks;
  });
  const pasteNothing = mapHostInput(
    drawn,
    ({ isApplied }) => Float32Array.of(isApplied ? 0 : 1),
  );
  const rank = uploadHostInput<tf.Rank.R2>(ranksByClass, [batchSize, classCount]);
  const present = tf.stack(
    Array.from({ length: classCount }, (_, id) => {
      const matches = tf.equal(labels, tf.scalar(id, "int32"));
      return tf.max(tf.cast(matches, "float32"), [1, 2]);
    }),
    1,
  ); // [B, C]
  const isBefore = tf.less(tf.expandDims(rank, 1), tf.expandDims(rank, 2)); // [B, C, C]
  const before = tf.sum(
    tf.mul(tf.cast(isBefore, "float32"), tf.expandDims(present, 1)),
    2,
  ); // [B, C]
  const half = tf.floor(tf.mul(tf.sum(present, 1, true), 0.5)); // [B, 1]
  const chosen = tf.mul(present, tf.cast(tf.less(before, half), "float32"));
  const marks = tf.cast(
    tf.maximum(chosen, uploadHostInput<tf.Rank.R1>(pasteNothing, [1])),
    "int32",
  );
  return classMask(labels, tf.pad(marks, [[0, 0], [0, LABEL_VALUES - classCount]]));
}

/**
 * Draws a box of half of the image's area, more than half as wide as the image.
 *
 * Source: U2PL, Wang et al. (CVPR 2022), https://arxiv.org/abs/2203.03884. At 513 pixels
 * the width is one of 257 … 512.
 */
export function drawHalfBox({ height: H, width: W }: Size, random: Random): Box {
  const minWidth = Math.min(W, Math.trunc(W / 2 + 1));
  const width = minWidth + random.integer(Math.max(1, W - minWidth));
  const height = Math.min(H, Math.max(1, Math.round(H * W / 2 / width)));
  return placeRandomly({ height, width }, { height: H, width: W }, random);
}

/** Shares of the image's area, and ratios of height to width, of a small box. */
const AREA_SHARES = [0.02, 0.4] as const;
const ASPECT_RATIOS = [0.3, 1 / 0.3] as const;

/**
 * Draws a box of 2 % to 40 % of the area whose sides have a ratio of 0.3 … 1/0.3.
 *
 * Source: UniMatch, Yang et al. (CVPR 2023), https://arxiv.org/abs/2208.09910. A side that
 * is longer than the image's is cut; the source draws again.
 */
export function drawSmallBox(image: Size, random: Random): Box {
  const between = ([low, high]: readonly [number, number]) =>
    low + (high - low) * random.uniform();
  const area = image.height * image.width * between(AREA_SHARES);
  const ratio = between(ASPECT_RATIOS);
  const side = (length: number, most: number) =>
    Math.min(most, Math.max(1, Math.trunc(length)));
  const height = side(Math.sqrt(area * ratio), image.height);
  const width = side(Math.sqrt(area / ratio), image.width);
  return placeRandomly({ height, width }, image, random);
}

function placeRandomly(box: Size, image: Size, random: Random): Box {
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
  boxes: MaybeHostInput<readonly (Box | null)[]>,
  batchSize: number,
  { height, width }: Size,
): tf.Tensor {
  // Two short rows per image instead of all of its pixels go to the device.
  const axisMarks = (length: number, of: (box: Box) => readonly [number, number]) =>
    mapHostInput(boxes, (boxes) => {
      const marked = new Int32Array(batchSize * length);
      boxes.forEach((box, b) => {
        if (box === null) return;
        const [from, count] = of(box);
        marked.fill(1, b * length + from, b * length + from + count);
      });
      return marked;
    });
  return tf.tidy(() => {
    const rows = axisMarks(height, ({ top, height }) => [top, height]);
    const columns = axisMarks(width, ({ left, width }) => [left, width]);
    return tf.mul(
      uploadHostInput<tf.Rank.R3>(rows, [batchSize, height, 1], "int32"),
      uploadHostInput<tf.Rank.R3>(columns, [batchSize, 1, width], "int32"),
    );
  });
}
