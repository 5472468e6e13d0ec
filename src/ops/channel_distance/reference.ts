// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";

/** d[r] = √(Σ over c of (a − b)²). */
export function channelDistanceReference(
  { a, b, d }: Arrays<"a" | "b" | "d">,
  { channels }: { readonly channels: number },
): void {
  for (let r = 0; r < d.length; r++) {
    let sum = 0;
    for (let c = r * channels; c < (r + 1) * channels; c++) sum += (a[c]! - b[c]!) ** 2;
    d[r] = Math.sqrt(sum);
  }
}

/** da = dd · (a − b) / d, and 0 where d is 0. */
export function channelDistanceGradientReference(
  { a, b, d, dd, da }: Arrays<"a" | "b" | "d" | "dd" | "da">,
  { channels }: { readonly channels: number },
): void {
  for (let r = 0; r < d.length; r++) {
    const scale = d[r]! > 0 ? dd[r]! / d[r]! : 0;
    for (let c = r * channels; c < (r + 1) * channels; c++) {
      da[c] = scale * (a[c]! - b[c]!);
    }
  }
}
