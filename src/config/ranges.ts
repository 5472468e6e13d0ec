/** Ranges that several parts of a configuration share. @module */
import { z } from "../core/zod.ts";

/** A number per stage of an encoder, from fine to coarse. */
export type Stages = readonly [number, number, number, number];

/** From 0 to below 1. */
export const share = z.number().gte(0).lt(1);

/** A whole number from 1. */
export const positive = z.int().positive();

/** Of {@linkcode Stages}. */
export const stages = z.tuple([positive, positive, positive, positive]);
