/** Numbers and sizes that several parts of a configuration share. @module */
import * as z from "../core/zod.ts";

export type { Size } from "../core/host_batch.ts";

/** A number per stage of an encoder, from fine to coarse. */
export type PerStage = readonly [number, number, number, number];

/** From 0 to 1. */
export const fraction = z.number().gte(0).lte(1);

/** From 0 to below 1. */
export const fractionBelowOne = z.number().gte(0).lt(1);

/** From 0. */
export const nonNegative = z.number().nonnegative();

/** A whole number from 1, of channels, heads or pixels: no network has more. */
export const positiveInt = z.int().positive().lte(65_536);

/** A number of blocks: a file that asks for more wants to keep the machine busy. */
export const blockCount = z.int().positive().lte(1000);

/** Of {@linkcode PerStage}. */
export const perStage = z.tuple([positiveInt, positiveInt, positiveInt, positiveInt]);

/** The same, of blocks. */
export const blocksPerStage = z.tuple([blockCount, blockCount, blockCount, blockCount]);

/** The largest area in pixels: at 12 bytes each, 800 MB. */
const MOST_PIXELS = 2 ** 26;

const side = z.int().positive().lte(65_536);

/** Limits of {@linkcode Size}. */
export const SizeSchema = z.strictObject({ height: side, width: side }).refine(
  ({ height, width }) => height * width <= MOST_PIXELS,
  { error: `must have at most ${MOST_PIXELS} pixels` },
);
