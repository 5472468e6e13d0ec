// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays, TypedArray, UniformsOf } from "../../gpu/kernel.ts";
import { erf } from "../gelu/reference.ts";
import type { EpilogueFlags } from "../tiled_gemm/tiling.ts";

/** The sizes of a batch of products, see the shader. */
export const MAT_MUL_UNIFORMS = {
  batch: "u32",
  rows: "u32",
  columns: "u32",
  depth: "u32",
  tail: "u32",
  rightStep: "u32",
  across: "u32",
} as const;

/** Which factors are transposed, how tiles are laid, and what follows the product. */
export type MatMulFlags =
  & Readonly<Record<"transposeLeft" | "transposeRight" | "large", boolean>>
  & EpilogueFlags;

/** product = g(op(left) · op(right) + bias) + residual. */
export function matMulReference(
  { left, right, product, ...epilogue }: Arrays<
    "left" | "right" | "bias" | "residual" | "product"
  >,
  { batch, rows, columns, depth, tail, rightStep }: UniformsOf<typeof MAT_MUL_UNIFORMS>,
  flags: MatMulFlags,
): void {
  let at = 0;
  for (let image = 0; image < batch; image++) {
    const startLeft = image * rows * depth;
    const startRight = image * rightStep;
    const terms = image === batch - 1 ? tail : depth;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, at++) {
        let sum = 0;
        for (let k = 0; k < terms; k++) {
          const a = flags.transposeLeft ? k * rows + row : row * depth + k;
          const b = flags.transposeRight ? column * depth + k : k * columns + column;
          sum += left[startLeft + a]! * right[startRight + b]!;
        }
        product[at] = applyEpilogue(sum, at, column, epilogue, flags);
      }
    }
  }
}

/** g(sum + bias) + residual for an element of a product. */
export function applyEpilogue(
  sum: number,
  at: number,
  column: number,
  { bias, residual }: Readonly<Record<"bias" | "residual", TypedArray>>,
  flags: EpilogueFlags,
): number {
  const biased = flags.hasBias ? sum + bias[column]! : sum;
  const activated = flags.hasGelu
    ? biased * (0.5 + 0.5 * erf(biased * Math.SQRT1_2))
    : biased;
  return flags.hasResidual ? activated + residual[at]! : activated;
}
