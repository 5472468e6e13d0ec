// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";

/** out[j] = x[index[j]], or zeros where the index is negative. */
export function gatherRowsReference(
  { x, index, out }: Arrays<"x" | "index" | "out">,
  { columns }: { readonly columns: number },
): void {
  out.fill(0);
  index.forEach((row, j) => {
    if (row < 0) return;
    out.set(x.subarray(row * columns, (row + 1) * columns), j * columns);
  });
}

/** dx[index[j]] += dy[j]; dx holds zeros before. */
export function scatterRowsReference(
  { dy, index, dx }: Arrays<"dy" | "index" | "dx">,
  { columns }: { readonly columns: number },
): void {
  index.forEach((row, j) => {
    if (row < 0) return;
    for (let d = 0; d < columns; d++) dx[row * columns + d]! += dy[j * columns + d]!;
  });
}
