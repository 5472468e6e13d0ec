/** Into how many items the kernels of `src/wasm` divide their work. @module */

/** Items of 4096 elements, of an element-wise kernel. */
export function elementItems(count: number): number {
  return Math.ceil(count / 4096);
}

/** Items of 64 rows, of a kernel that sums rows or treats them alike. */
export function rowItems(rows: number): number {
  return Math.ceil(rows / 64);
}

/** Items of 256 sums, of a kernel that adds the sums of blocks. */
export function sumItems(count: number): number {
  return Math.ceil(count / 256);
}
