/**
 * Telling a mistake from a decision that float32 can only guess.
 *
 * Goldens hold ReLU inputs as near to zero as 1e-7, where float32 decides by rounding; one
 * other decision moves gradients, and AdamW turns that into a difference beyond the
 * tolerances. (PyTorch's own float32 fails some traces half of the time when their start is
 * changed by one rounding.) So a golden that fails is run again with every pixel nudged by
 * at most one rounding, which a mistake survives and a tie does not.
 *
 * @module
 */
import { createRandom } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { check, type CheckResult } from "./check.ts";

const MOST_NUDGES = 8;

/**
 * Runs a verification, and again with nudged images while it fails.
 *
 * @param run Verifies with the images of one nudge; 0 leaves them as they are.
 * @returns The first results that pass, else those of the images as they are; the line
 * "nudges" says how often the images were nudged.
 */
export async function tellingTies(
  run: (nudge: number) => Promise<CheckResult[]>,
): Promise<CheckResult[]> {
  const exact = await run(0);
  const failed = exact.filter(({ passed }) => !passed).map(({ name }) => name);
  if (failed.length === 0) return [...exact, check("nudges", 0, MOST_NUDGES)];
  for (let nudge = 1; nudge <= MOST_NUDGES; nudge++) {
    const results = await run(nudge);
    if (!results.every(({ passed }) => passed)) continue;
    const note = `unchanged images fail ${failed.length} lines: ${failed.join(", ")}`;
    return [...results, check("nudges", nudge, MOST_NUDGES, note)];
  }
  return exact;
}

/** Multiplies every pixel by 1 or by the next larger float32; uses the images up. */
export function nudged(images: tf.Tensor4D, nudge: number): tf.Tensor4D {
  if (nudge === 0) return images;
  const random = createRandom(nudge, "nudge");
  const factors = Float32Array.from(
    { length: images.size },
    () => random.uniform() < 0.5 ? 1 : 1 + 2 ** -23,
  );
  const moved = tf.tidy((): tf.Tensor4D =>
    tf.mul(images, tf.tensor4d(factors, images.shape))
  );
  images.dispose();
  return moved;
}
