// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";
import { expNonPositive } from "../softmax_reference.ts";

/** The error function; see erf.wgsl for the approximation and its error. */
export function erf(a: number): number {
  const v = Math.max(-3.832506856900711, Math.min(3.832506856900711, a));
  const s = v * v;
  const above = ((((0.00022905065861350646 * s + 0.0034082910107109506) * s +
            0.050955695062380861) * s + 0.18520832239976145) * s + 1.128379143519084) *
    v;
  const below = ((((-1.1791602954361697e-7 * s + 0.000023547966471313185) * s +
                0.0010179625278914885) * s + 0.014070470171167667) * s +
        0.11098505178285362) * s + 0.49746925110067538;
  return above / (below * s + 1);
}

/** out = x · Φ(x). */
export function geluReference({ x, out }: Arrays<"x" | "out">): void {
  for (let i = 0; i < x.length; i++) {
    const v = x[i]!;
    out[i] = v * (0.5 + 0.5 * erf(v * Math.SQRT1_2));
  }
}

/** dx = dy · (Φ(x) + x · φ(x)). */
export function geluGradientReference({ x, dy, dx }: Arrays<"x" | "dy" | "dx">): void {
  const densityScale = 1 / Math.sqrt(2 * Math.PI);
  for (let i = 0; i < x.length; i++) {
    const v = x[i]!;
    const cdf = 0.5 + 0.5 * erf(v * Math.SQRT1_2);
    dx[i] = dy[i]! * (cdf + v * expNonPositive(-0.5 * v * v) * densityScale);
  }
}
