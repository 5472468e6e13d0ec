/**
 * A contrast of pixels: the student's sure pixels are drawn to the mean of their class and
 * away from pixels that the teacher may confuse with it, of this batch and of past ones.
 *
 *   L = mean over classes c and their Q anchors a of −log(P / (P + Σ over N negatives n of
 *       e^{cos(a, n)/T})),  P = e^{cos(a, prototype of c)/T}
 *
 * | what         | which pixels                                                          |
 * | ------------ | --------------------------------------------------------------------- |
 * | sure         | labelled, or the entropy is at most its percentile α                  |
 * | unsure       | labelled, or the entropy is at least its percentile 100 − α           |
 * | anchors of c | sure, of label c, more probable than a minimum; the student's         |
 * | prototype    | sure, of label c: m·prototype + (1 − m)·mean of the teacher's; that   |
 * |              | of an absent class stays                                              |
 * | negatives    | unsure: c is among the first classes of a labelled pixel and not its  |
 * |              | label, or among the later ones of another pixel; the teacher's        |
 *
 * Classes without an anchor or without a negative do not count, and L = 0 unless two do.
 * Of an evaluation's negatives at most M per class are taken, spread evenly over its
 * pixels; the published code takes all. Anchors and negatives are drawn with replacement.
 *
 * Source: U2PL, Wang et al. (CVPR 2022), https://arxiv.org/abs/2203.03884. Its code finds
 * the anchors and prototypes of a class by its number among those present, and asks of a
 * negative that it has the label c, which no labelled one can have; here not.
 *
 * @module
 */
import { streamOf } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { contrastRoles } from "../ops/contrast_roles.ts";
import { gatherRows } from "../ops/gather_rows.ts";
import { product } from "../ops/mat_mul.ts";
import { type BankEntries, drawEntries, entryProducts } from "../ops/memory_bank.ts";
import { percentileOfShare } from "../ops/order_statistic.ts";
import { drawFromRows } from "../ops/row_draws.ts";
import type { ContrastMemory } from "./contrast_memory.ts";

/** What is compared, and how. */
export interface PixelContrastOptions {
  /** Q, anchors per class. */
  readonly queries: number;
  /** N, negatives per anchor. */
  readonly negatives: number;
  /** T, at least 0.05. */
  readonly temperature: number;
  /**
   * Places of a class, counted from 0 for the most probable one: a negative has it before
   * the first if its label is known, else from the first on and before the second.
   */
  readonly ranks: readonly [number, number];
  /** An anchor's label is more probable than this. */
  readonly minimumProbability: number;
}

/** What a teacher says of a batch, images with known labels first. */
export interface ContrastView {
  /** [I, h, w, C] */
  readonly logits: tf.Tensor4D;
  /** [I, h, w, D] */
  readonly representation: tf.Tensor4D;
  /** int32, 255 ignored; pseudo-labels after the known ones. [I, H, W] */
  readonly labels: tf.Tensor;
  /** See `labelledEntropy`, of the images after the known ones. [I − known, H, W] */
  readonly entropy: tf.Tensor;
  /** α / 100, and the m of prototypes. [2] */
  readonly schedule: tf.Tensor;
}

/** What a student is compared with. */
export interface ContrastPlan {
  /** Pixels, −1 for none. int32 [C, Q] */
  readonly anchors: tf.Tensor2D;
  /** Drawn entries, see `BankEntries`. int32 [C, Q, N] */
  readonly index: tf.Tensor3D;
  /** Unit vectors. [C, D] */
  readonly positives: tf.Tensor2D;
  /** The weight of each class: they sum to 1, or all are 0. [C] */
  readonly shares: tf.Tensor1D;
}

// Below it a vector's length counts as this; the square is a normal number.
const SHORTEST = 1e-8;

/**
 * Chooses what is compared, and stages what the memory would store.
 *
 * @param known Images whose labels are known.
 * @param key Of the random draws; `evaluation` counts loss evaluations.
 * @returns Tensors that the caller owns. No gradient.
 */
export function planContrast(
  view: ContrastView,
  known: number,
  memory: ContrastMemory,
  { ranks: [low, high], minimumProbability, queries, negatives }: PixelContrastOptions,
  key: { readonly seed: number; readonly evaluation: number },
): ContrastPlan {
  return tf.tidy(() => {
    const { entropy, schedule } = view;
    const { cursor, staged, bank } = memory;
    const draw = (what: string) => ({ ...key, stream: streamOf(`contrast/${what}`) });
    const share = tf.slice(schedule, [0], [1]);
    const bounds = tf.stack([
      percentileOfShare(entropy, share),
      percentileOfShare(entropy, tf.sub(1, share)),
    ]); // [2]
    const limits = { low, high, least: minimumProbability };
    const roles = contrastRoles({ ...view, bounds }, known, limits);
    const representation = rowsOf(view.representation); // [P, D]

    const [, most] = staged.keys.shape;
    const chosen = drawFromRows(roles.negatives, most, true, draw("new"));
    const keys = unit(gatherRows(representation, chosen.index)); // [C, M, D]
    const fresh = tf.minimum(chosen.totals, most) as tf.Tensor1D;
    const [prototype, seen] = prototypes(roles.members, representation, schedule, memory);
    const [next, filled] = [0, 1].map((column) => columnOf(cursor, column));
    const [, capacity] = bank.shape;
    const end = tf.add(next ?? fresh, fresh);
    const around = tf.cast(tf.greaterEqual(end, capacity), "float32");
    const held = tf.minimum(tf.add(filled ?? fresh, fresh), capacity); // [C]
    memory.stage({
      ...{ keys, fresh, prototype },
      cursor: tf.stack(
        [tf.sub(end, tf.mul(around, capacity)), held, seen],
        1,
      ) as tf.Tensor2D,
    });

    const anchors = drawFromRows(roles.anchors, queries, false, draw("anchors"));
    const index = drawEntries(
      cursor,
      fresh,
      capacity,
      [queries, negatives],
      draw("negatives"),
    );
    const counted = tf.mul(
      tf.cast(tf.greater(anchors.totals, 0), "float32"),
      tf.cast(tf.greater(held, 0), "float32"),
    );
    const classes = tf.sum(counted);
    const enough = tf.cast(tf.greater(classes, 1), "float32");
    const shares = tf.mul(counted, tf.div(enough, tf.maximum(classes, 1)));
    return {
      anchors: anchors.index,
      index,
      positives: unit(prototype),
      shares: shares as tf.Tensor1D,
    };
  });
}

/**
 * Computes L.
 *
 * @param representation The student's. [I, h, w, D]
 * @returns A scalar; the caller owns it. Its gradient reaches the anchors alone.
 */
export function contrastLoss(
  representation: tf.Tensor4D,
  { anchors, index, positives, shares }: ContrastPlan,
  { bank, staged: { keys } }: Pick<ContrastMemory, "bank" | "staged">,
  temperature: number,
): tf.Scalar {
  return tf.tidy(() => {
    const chosen = unit(gatherRows(rowsOf(representation), anchors)); // [C, Q, D]
    const entries: BankEntries = { positives, bank, keys, index };
    const cosines = entryProducts(chosen, entries); // [C, Q, 1 + N]
    // No cosine is above 1, so no power is.
    const x = tf.div(tf.sub(cosines, 1), temperature);
    const [C, Q] = index.shape;
    const positive = tf.reshape(tf.slice(x, [0, 0, 0], [C, Q, 1]), [C, Q]);
    const terms = tf.sub(tf.log(tf.sum(tf.exp(x), 2)), positive); // [C, Q]
    return tf.sum(tf.mul(tf.div(tf.sum(terms, 1), Q), shares));
  });
}

// The prototypes after this batch [C, D], and whether there is one [C].
function prototypes(
  members: tf.Tensor2D,
  representation: tf.Tensor2D,
  schedule: tf.Tensor,
  { prototype, cursor }: ContrastMemory,
): [tf.Tensor2D, tf.Tensor1D] {
  const count = tf.sum(members, 1, true); // [C, 1]
  const here = tf.greater(count, 0);
  const sum = product(members, representation);
  const mean = tf.div(sum, tf.maximum(count, 1)); // [C, D]
  const before = tf.slice(cursor, [0, 2], [-1, 1]); // [C, 1]
  const keep = tf.mul(before, tf.slice(schedule, [1], [1]));
  const moved = tf.add(mean, tf.mul(tf.sub(prototype, mean), keep));
  const told = tf.cast(here, "float32");
  // Products with 0 and 1 in place of a choice: both operands are finite.
  const next = tf.add(tf.mul(moved, told), tf.mul(prototype, tf.sub(1, told)));
  return [next as tf.Tensor2D, tf.reshape(tf.maximum(before, told), [-1])];
}

function rowsOf(map: tf.Tensor4D): tf.Tensor2D {
  return tf.reshape(map, [-1, map.shape[3]]);
}

function columnOf(matrix: tf.Tensor2D, column: number): tf.Tensor1D {
  return tf.reshape(tf.slice(matrix, [0, column], [-1, 1]), [-1]);
}

// x / ‖x‖ along the last axis; a vector of zeros stays one.
function unit<T extends tf.Tensor>(x: T): T {
  const square = tf.sum(tf.square(x), -1, true);
  return tf.mul(x, tf.rsqrt(tf.maximum(square, SHORTEST ** 2)));
}
