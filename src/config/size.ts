/** Sizes of images, crops and windows. @module */

import { z } from "../core/zod.ts";

/** In pixels. */
export interface Size {
  /** Rows. */
  readonly height: number;
  /** Columns. */
  readonly width: number;
}

/** Limits of {@linkcode Size}. */
export const SizeSchema = z.strictObject({
  height: z.int().positive(),
  width: z.int().positive(),
});
