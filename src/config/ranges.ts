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

/** A whole number from 1. */
export const positiveInt = z.int().positive();

/** Of {@linkcode PerStage}. */
export const perStage = z.tuple([positiveInt, positiveInt, positiveInt, positiveInt]);

/** Limits of {@linkcode Size}. */
export const SizeSchema = z.strictObject({
  height: z.int().positive(),
  width: z.int().positive(),
});
