// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Cells } from "../kernel.ts";

/** out[c] = Σ over r of a[r, c]. */
export function columnSumReference(a: Cells, columns: number, out: Cells): void {
  const sum = new Float64Array(columns);
  for (let at = 0; at < a.length; at += columns) {
    for (let c = 0; c < columns; c++) sum[c]! += a[at + c]!;
  }
  out.set(sum);
}
