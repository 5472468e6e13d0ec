// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import { erf } from "../gelu/reference.ts";
import type { Cells } from "../kernel.ts";

/** The sizes of a batch of products, see the shader. */
export type MatMulSizes = Readonly<
  Record<
    "batch" | "rows" | "columns" | "depth" | "tail" | "rightStep" | "across",
    number
  >
>;

/** Which factors are transposed and what follows the product. */
export interface MatMulForm {
  readonly transposeLeft: boolean;
  readonly transposeRight: boolean;
  readonly biased: boolean;
  readonly activated: boolean;
  readonly residual: boolean;
}

/** product = g(op(left) · op(right) + bias) + residual. */
export function matMulReference(
  [left, right, bias, residual]: readonly [Cells, Cells, Cells, Cells],
  product: Cells,
  { batch, rows, columns, depth, tail, rightStep }: MatMulSizes,
  form: MatMulForm,
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
          const a = form.transposeLeft ? k * rows + row : row * depth + k;
          const b = form.transposeRight ? column * depth + k : k * columns + column;
          sum += left[startLeft + a]! * right[startRight + b]!;
        }
        product[at] = finished(sum, at, column, bias, residual, form);
      }
    }
  }
}

/** What follows a finished sum. */
export function finished(
  sum: number,
  at: number,
  column: number,
  bias: Cells,
  residual: Cells,
  form: Pick<MatMulForm, "biased" | "activated" | "residual">,
): number {
  const shifted = form.biased ? sum + bias[column]! : sum;
  const active = form.activated
    ? shifted * (0.5 + 0.5 * erf(shifted * Math.SQRT1_2))
    : shifted;
  return form.residual ? active + residual[at]! : active;
}
