// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";

/** y = max(x, 0). */
export function reluReference({ x, y }: Arrays<"x" | "y">): void {
  for (let i = 0; i < x.length; i++) y[i] = Math.max(x[i]!, 0);
}

/** y = min(max(x, 0), 6). */
export function relu6Reference({ x, y }: Arrays<"x" | "y">): void {
  for (let i = 0; i < x.length; i++) y[i] = Math.min(Math.max(x[i]!, 0), 6);
}

/** dx = dy where 0 < y < 6, else 0. */
export function relu6GradientReference({ y, dy, dx }: Arrays<"y" | "dy" | "dx">): void {
  for (let i = 0; i < y.length; i++) dx[i] = y[i]! > 0 && y[i]! < 6 ? dy[i]! : 0;
}

/** dx = dy where y > 0, else 0. */
export function reluGradientReference({ y, dy, dx }: Arrays<"y" | "dy" | "dx">): void {
  for (let i = 0; i < y.length; i++) dx[i] = y[i]! > 0 ? dy[i]! : 0;
}
