/**
 * Hard views of images with pseudo-labels: a box is cut out, or a part comes from the next
 * image of the batch.
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
import { derive, type OrDecided, upload } from "../core/decided.ts";
import { IGNORED } from "../core/host_batch.ts";
import type { Random } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { classMask, LABEL_VALUES, pasteSource } from "../ops/class_mix.ts";
import { type Box, boxMask, drawHalfBox } from "./box.ts";

/** Which view. */
export type Perturbation = "none" | "cutout" | "cutmix" | "classmix";

/** Images and what is believed of their pixels. */
export interface LabelledImages {
  /** Normalised. [B, H, W, 3] */
  readonly images: tf.Tensor4D;
  /** int32. [B, H, W] */
  readonly labels: tf.Tensor;
}

/** All chance of one perturbation, drawn beforehand. */
export interface DrawnPerturbation {
  /** Whether it happens at all; to the whole batch or to none of it. */
  readonly happens: boolean;
  /** Per image. */
  readonly boxes: readonly Box[];
  /** A random order of all classes, per image: those at the front are chosen. */
  readonly orders: readonly (readonly number[])[];
}

/** Draws everything that is random in one perturbation. */
export function drawPerturbation(
  probability: number,
  { batch, height, width, classes }: {
    readonly batch: number;
    readonly height: number;
    readonly width: number;
    readonly classes: number;
  },
  random: Random,
): DrawnPerturbation {
  const happens = random.uniform() < probability;
  const each = <T>(draw: () => T) => Array.from({ length: batch }, draw);
  return {
    happens,
    boxes: each(() => drawHalfBox({ height, width }, random)),
    orders: each(() => random.sample(classes, classes)),
  };
}

/**
 * Applies a drawn perturbation. One that does not happen runs with masks that change
 * nothing: what is drawn never changes which kernels run.
 *
 * @param classes C; labels are 0 … C − 1.
 * @returns Two tensors; the caller owns them.
 */
export function perturb(
  name: Perturbation,
  input: LabelledImages,
  drawn: OrDecided<DrawnPerturbation>,
  classes: number,
): LabelledImages {
  const [B, height, width] = input.images.shape;
  return tf.tidy(() => {
    if (name === "none") {
      return { images: tf.clone(input.images), labels: tf.clone(input.labels) };
    }
    if (name === "classmix") {
      const mask = halfOfClasses(input.labels, drawn, B, classes);
      return { ...paste(mask, input, neighbours(input)) };
    }
    const boxes = derive(
      drawn,
      ({ happens, boxes }) => boxes.map((box) => happens ? box : null),
    );
    const inside = boxMask(boxes, B, { height, width });
    const nothing = () => ({
      images: tf.zerosLike(input.images),
      labels: tf.fill(input.labels.shape, IGNORED, "int32"),
    });
    const filling = name === "cutmix" ? neighbours(input) : nothing();
    return { ...paste(inside, filling, input) };
  });
}

/** The next image of the batch in place of every image; the caller owns the result. */
export function neighbours({ images, labels }: LabelledImages): LabelledImages {
  const turned = <T extends tf.Tensor>(x: T): T => {
    const [B = 0] = x.shape;
    if (B === 1) return tf.clone(x);
    const rest = x.shape.slice(1).map(() => 0);
    const whole = x.shape.slice(1);
    return tf.concat([
      tf.slice(x, [1, ...rest], [B - 1, ...whole]),
      tf.slice(x, [0, ...rest], [1, ...whole]),
    ], 0) as T;
  };
  return tf.tidy(() => ({ images: turned(images), labels: turned(labels) }));
}

/** Pixels of one batch where the mask is 1, of the other elsewhere. */
export function paste(
  mask: tf.Tensor,
  inside: LabelledImages,
  outside: LabelledImages,
): LabelledImages {
  return tf.tidy(() => {
    const weights = tf.zeros(outside.labels.shape);
    const { images, labels } = pasteSource(mask, inside, { ...outside, weights });
    return { images: images as tf.Tensor4D, labels };
  });
}

// The classes of an image are known to the device alone, so the host only draws an order:
// of those that occur, the first half is chosen.
function halfOfClasses(
  labels: tf.Tensor,
  drawn: OrDecided<DrawnPerturbation>,
  batch: number,
  classes: number,
): tf.Tensor {
  const places = derive(drawn, ({ orders }) => {
    const cells = new Float32Array(batch * classes);
    orders.forEach((order, b) =>
      order.forEach((id, place) => cells[b * classes + id] = place)
    );
    return cells;
  });
  const always = derive(drawn, ({ happens }) => Float32Array.of(happens ? 0 : 1));
  const place = upload<tf.Rank.R2>(places, [batch, classes]);
  const present = tf.stack(
    Array.from({ length: classes }, (_, id) => {
      const here = tf.equal(labels, tf.scalar(id, "int32"));
      return tf.max(tf.cast(here, "float32"), [1, 2]);
    }),
    1,
  ); // [B, C]
  const isBefore = tf.less(tf.expandDims(place, 1), tf.expandDims(place, 2)); // [B, C, C]
  const before = tf.sum(
    tf.mul(tf.cast(isBefore, "float32"), tf.expandDims(present, 1)),
    2,
  ); // [B, C]
  const half = tf.floor(tf.mul(tf.sum(present, 1, true), 0.5)); // [B, 1]
  const chosen = tf.mul(present, tf.cast(tf.less(before, half), "float32"));
  const marks = tf.cast(tf.maximum(chosen, upload<tf.Rank.R1>(always, [1])), "int32");
  return classMask(labels, tf.pad(marks, [[0, 0], [0, LABEL_VALUES - classes]]));
}
