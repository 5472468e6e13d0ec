// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Cells } from "../kernel.ts";

/** The layout of one blur pass. */
export interface BlurSizes {
  /** Pixels along the blurred axis. */
  readonly length: number;
  /** Elements between neighbours on it. */
  readonly inner: number;
  /** Elements of one sample. */
  readonly image: number;
  /** Odd number of weights per sample. */
  readonly taps: number;
}

/** y[p] = Σ weights[k] · x[reflect(p + k − taps / 2)] along one axis. */
export function blurReference(
  [x, weights]: readonly [Cells, Cells],
  y: Cells,
  { length, inner, image, taps }: BlurSizes,
): void {
  const radius = (taps - 1) / 2;
  const last = length - 1;
  for (let line = 0; line < x.length / (length * inner); line++) {
    const first = line * length * inner;
    const own = Math.floor(first / image) * taps;
    for (let place = 0; place < length; place++) {
      const to = first + place * inner;
      for (let e = 0; e < inner; e++) y[to + e] = 0;
      for (let k = 0; k < taps; k++) {
        const inside = last - Math.abs(last - Math.abs(place + k - radius));
        const from = first + inside * inner;
        const weight = weights[own + k]!;
        for (let e = 0; e < inner; e++) y[to + e]! += weight * x[from + e]!;
      }
    }
  }
}
