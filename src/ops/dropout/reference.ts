import type { Arrays, UniformsOf } from "../../gpu/kernel.ts";
import { uniformGenerator } from "../sample_from_rows/reference.ts";

/** Which units are drawn; `firstUnit` counts those of the batch before x. */
export const DROPOUT_UNIFORMS = {
  firstUnit: "u32",
  seed: "u32",
  stream: "u32",
  forwardIndex: "u32",
  rate: "f32",
} as const;

/** factors[unit] = 1 / (1 − rate) where the unit survives, else 0. */
export function dropoutFactorsReference(
  { factors }: Arrays<"factors">,
  { firstUnit, rate, ...key }: UniformsOf<typeof DROPOUT_UNIFORMS>,
): void {
  const uniformAt = uniformGenerator(key);
  const threshold = Math.fround(rate);
  for (let unit = 0; unit < factors.length; unit++) {
    factors[unit] = uniformAt(firstUnit + unit) >= threshold ? 1 / (1 - rate) : 0;
  }
}
