// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import { IGNORED } from "../../core/host_batch.ts";
import type { Cells } from "../kernel.ts";

/** The uniforms of the kernel, as in `contrast_roles.wgsl`. */
export interface RoleSizes {
  /** Pixels of the small map whose labels are known; they come first. */
  readonly known: number;
  readonly classes: number;
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly low: number;
  readonly high: number;
  readonly least: number;
}

/** The roles of one pixel after another, as `contrast_roles.wgsl` says. */
export function contrastRolesReference(
  [logits, labels, entropy, bounds]: readonly [Cells, Cells, Cells, Cells],
  [anchors, members, negatives]: readonly [Cells, Cells, Cells],
  { known, classes, height, width, outHeight, outWidth, low, high, least }: RoleSizes,
): void {
  const small = outHeight * outWidth;
  const count = logits.length / classes;
  const before = known / small * height * width;
  for (let i = 0; i < count; i++) {
    const row = Math.floor(Math.floor(i % small / outWidth) * height / outHeight);
    const col = Math.floor(i % outWidth * width / outWidth);
    const large = (Math.floor(i / small) * height + row) * width + col;
    const label = labels[large]!;
    const told = label !== IGNORED;
    const isKnown = i < known;
    const sure = told && (isKnown || entropy[large - before]! <= bounds[0]!);
    const unsure = told && (isKnown || entropy[large - before]! >= bounds[1]!);
    const own = logits.subarray(i * classes, (i + 1) * classes);
    let largest = -Infinity;
    for (const z of own) largest = Math.max(largest, z);
    let sum = 0;
    for (const z of own) sum += Math.exp(z - largest);
    for (let c = 0; c < classes; c++) {
      const z = own[c]!;
      let rank = 0;
      for (let k = 0; k < classes; k++) {
        if (own[k]! > z || (own[k]! === z && k < c)) rank++;
      }
      const member = sure && label === c;
      const confused = isKnown ? rank < low && label !== c : rank >= low && rank < high;
      const at = c * count + i;
      members[at] = Number(member);
      anchors[at] = Number(member && Math.exp(z - largest) > Math.fround(least) * sum);
      negatives[at] = Number(unsure && confused);
    }
  }
}
