// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction

/** 2⁰, 2⁻¹, … as far as float32 has normal numbers. */
const HALVES = Float64Array.from({ length: 128 }, (_, k) => 2 ** -k);

/**
 * exp(x) for x ≤ 0, to 1e-8 of its value; 0 where float32 has no normal number.
 *
 * Two to four times faster than `Math.exp`, which rounds a double correctly. With
 * k = round(−x / ln 2) it is 2⁻ᵏ · exp(x + k · ln 2), the latter by its Taylor series of degree
 * 7 on ±ln 2 / 2.
 */
export function exponential(x: number): number {
  if (x < -87) return 0;
  const k = (0.5 - x * Math.LOG2E) | 0;
  const f = x + k * Math.LN2;
  const series = 1 + f * (1 + f * (1 / 2 + f * (1 / 6 + f * (1 / 24 + f *
                      (1 / 120 + f * (1 / 720 + f * (1 / 5040)))))));
  return HALVES[k]! * series;
}
