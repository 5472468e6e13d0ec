import type { Arrays, UniformsOf } from "../../gpu/kernel.ts";

/** An axis of a resize, and the lengths of the one across. */
export const BICUBIC_UNIFORMS = {
  inputs: "u32",
  outputs: "u32",
  acrossInputs: "u32",
  acrossOutputs: "u32",
  offset: "f32",
  antialias: "u32",
} as const;

/** weights[target, source]; see weights.wgsl. */
export function bicubicWeightsReference(
  { weights }: Arrays<"weights">,
  { inputs, outputs, acrossInputs, acrossOutputs, offset, antialias }: UniformsOf<
    typeof BICUBIC_UNIFORMS
  >,
): void {
  const isSame = outputs === inputs && acrossOutputs === acrossInputs;
  const ratio = inputs / (outputs + (isSame ? 0 : offset));
  const width = antialias === 1 ? Math.max(ratio, 1) : 1;
  const a = antialias === 1 ? -0.5 : -0.75;
  const last = inputs - 1;
  for (let target = 0; target < outputs; target++) {
    const center = (target + 0.5) * ratio;
    const weightOf = (source: number) => cubic((source + 0.5 - center) / width, a);
    const row = Array.from({ length: inputs }, (_, source) => weightOf(source));
    if (antialias === 1) {
      const sum = row.reduce((sum, weight) => sum + weight);
      weights.set(row.map((weight) => weight / sum), target * inputs);
    } else {
      row[0] = (row[0] ?? 0) + weightOf(-1) + weightOf(-2);
      row[last] = (row[last] ?? 0) + weightOf(inputs) + weightOf(inputs + 1);
      weights.set(row, target * inputs);
    }
  }
}

// Keys' kernel.
function cubic(distance: number, a: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}
