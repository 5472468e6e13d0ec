/** Random set cells of the rows of a mask. No gradient. @module */
export { drawFromRows } from "../kernels/row_draws/mod.ts";
export type { DrawKey, RowDraws } from "../kernels/row_draws/mod.ts";
