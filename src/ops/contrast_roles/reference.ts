// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import { IGNORE_INDEX } from "../../core/host_batch.ts";
import type { Arrays, UniformsOf } from "../../gpu/kernel.ts";

/** Sizes and limits; the first `labeledPixels` pixels of the logits have known labels. */
export const CONTRAST_UNIFORMS = {
  labeledPixels: "u32",
  classes: "u32",
  height: "u32",
  width: "u32",
  outHeight: "u32",
  outWidth: "u32",
  lowRank: "u32",
  highRank: "u32",
  anchorThreshold: "f32",
} as const;

/** The roles of one pixel after another; see `contrast_roles.wgsl`. */
export function contrastRolesReference(
  { logits, labels, entropy, entropyBounds, anchors, prototypePixels, negatives }: Arrays<
    | "logits"
    | "labels"
    | "entropy"
    | "entropyBounds"
    | "anchors"
    | "prototypePixels"
    | "negatives"
  >,
  { labeledPixels, classes, height, width, outHeight, outWidth, ...limits }: UniformsOf<
    typeof CONTRAST_UNIFORMS
  >,
): void {
  const { lowRank, highRank, anchorThreshold } = limits;
  const pixelsPerImage = outHeight * outWidth;
  const count = logits.length / classes;
  const labeledLabelPixels = labeledPixels / pixelsPerImage * height * width;
  for (let i = 0; i < count; i++) {
    const row = Math.floor(
      Math.floor(i % pixelsPerImage / outWidth) * height / outHeight,
    );
    const col = Math.floor(i % outWidth * width / outWidth);
    const labelPixel = (Math.floor(i / pixelsPerImage) * height + row) * width + col;
    const label = labels[labelPixel]!;
    const hasLabel = label !== IGNORE_INDEX;
    const isLabeled = i < labeledPixels;
    const confident = hasLabel &&
      (isLabeled || entropy[labelPixel - labeledLabelPixels]! <= entropyBounds[0]!);
    const uncertain = hasLabel &&
      (isLabeled || entropy[labelPixel - labeledLabelPixels]! >= entropyBounds[1]!);
    const pixelLogits = logits.subarray(i * classes, (i + 1) * classes);
    let largest = -Infinity;
    for (const z of pixelLogits) largest = Math.max(largest, z);
    let sum = 0;
    for (const z of pixelLogits) sum += Math.exp(z - largest);
    for (let c = 0; c < classes; c++) {
      const z = pixelLogits[c]!;
      let rank = 0;
      for (let k = 0; k < classes; k++) {
        if (pixelLogits[k]! > z || (pixelLogits[k]! === z && k < c)) rank++;
      }
      const isPrototypePixel = confident && label === c;
      const isHardClass = isLabeled
        ? rank < lowRank && label !== c
        : rank >= lowRank && rank < highRank;
      const at = c * count + i;
      prototypePixels[at] = Number(isPrototypePixel);
      anchors[at] = Number(
        isPrototypePixel && Math.exp(z - largest) > Math.fround(anchorThreshold) * sum,
      );
      negatives[at] = Number(uncertain && isHardClass);
    }
  }
}
