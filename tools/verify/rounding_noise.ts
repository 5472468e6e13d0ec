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
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { checkError, type CheckResult } from "../../src/doctor/check.ts";

const MAX_ROUNDING_TRIALS = 8;

/**
 * Runs a verification, and again with nudged images while it fails.
 *
 * @param run Verifies with the images of one nudge; 0 leaves them as they are.
 * @returns The first results that pass, else those of the images as they are; the line
 * "nudges" says how often the images were nudged.
 */
export async function verifyUpToRounding(
  run: (trial: number) => Promise<CheckResult[]>,
): Promise<CheckResult[]> {
  const exact = await run(0);
  const failed = exact.filter(({ passed }) => !passed).map(({ name }) => name);
  if (failed.length === 0) {
    return [...exact, checkError("rounding trials", 0, MAX_ROUNDING_TRIALS)];
  }
  for (let trial = 1; trial <= MAX_ROUNDING_TRIALS; trial++) {
    const results = await run(trial);
    if (!results.every(({ passed }) => passed)) continue;
    const note = `without rounding noise ${failed.length} lines fail: ${
      failed.join(", ")
    }`;
    return [...results, checkError("rounding trials", trial, MAX_ROUNDING_TRIALS, note)];
  }
  return exact;
}

/** Multiplies every pixel by 1 or by the next larger float32; uses the images up. */
export function addRoundingNoise(images: tf.Tensor4D, trial: number): tf.Tensor4D {
  if (trial === 0) return images;
  const random = createRandom(trial, "nudge");
  const factors = Float32Array.from(
    { length: images.size },
    () => random.uniform() < 0.5 ? 1 : 1 + 2 ** -23,
  );
  const noisy = tf.tidy((): tf.Tensor4D =>
    tf.mul(images, tf.tensor4d(factors, images.shape))
  );
  images.dispose();
  return noisy;
}
