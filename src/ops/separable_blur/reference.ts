// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";

/** y[p] = Σ weights[k] · x[reflect(p + k − taps / 2)] along one axis; see the shader. */
export function blurReference(
  { x, weights, y }: Arrays<"x" | "weights" | "y">,
  { length, inner, image, taps }: Readonly<
    Record<"length" | "inner" | "image" | "taps", number>
  >,
): void {
  const radius = (taps - 1) / 2;
  const last = length - 1;
  for (let line = 0; line < x.length / (length * inner); line++) {
    const first = line * length * inner;
    const filterStart = Math.floor(first / image) * taps;
    for (let position = 0; position < length; position++) {
      const to = first + position * inner;
      for (let e = 0; e < inner; e++) y[to + e] = 0;
      for (let k = 0; k < taps; k++) {
        const reflected = last - Math.abs(last - Math.abs(position + k - radius));
        const from = first + reflected * inner;
        const weight = weights[filterStart + k]!;
        for (let e = 0; e < inner; e++) y[to + e]! += weight * x[from + e]!;
      }
    }
  }
}
