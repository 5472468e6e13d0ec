/** Copies tensors with strides into row-major order. @module */

import { numel } from "../core/host_tensor.ts";

/** The shape and the strides of a tensor. */
export interface StridedLayout {
  /** Sizes of the axes. */
  readonly shape: readonly number[];
  /** Elements from one index to the next, per axis. */
  readonly strides: readonly number[];
}

/** Elements from the first to the last one, both included; 0 for an empty tensor. */
export function elementSpan({ shape, strides }: StridedLayout): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((sum, side, axis) => sum + (side - 1) * (strides[axis] ?? 0), 1);
}

/** The strides of a tensor in row-major order. */
export function contiguousStrides(shape: readonly number[]): number[] {
  let stride = 1;
  return shape.toReversed().map((side) => {
    const current = stride;
    stride *= Math.max(side, 1);
    return current;
  }).reverse();
}

/** Whether a layout is row-major; strides of axes of size 1 do not matter. */
function isContiguous({ shape, strides }: StridedLayout): boolean {
  const rows = contiguousStrides(shape);
  return shape.every((side, axis) => side === 1 || strides[axis] === rows[axis]);
}

/** A view of elements of 1, 2, 4 or 8 bytes. */
function elementView(bytes: Uint8Array<ArrayBuffer>, bytesPerElement: number) {
  const Elements =
    { 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array }[bytesPerElement] ??
      Uint8Array;
  return new Elements(bytes.buffer, bytes.byteOffset, bytes.length / bytesPerElement);
}

/**
 * Copies the elements of a tensor into row-major order.
 *
 * @param bytes From the tensor's first element to its last one, aligned to the elements.
 * @param bytesPerElement Bytes per element: 1, 2, 4 or 8.
 * @returns The same bytes if they are in row-major order already.
 */
export function toContiguous(
  bytes: Uint8Array<ArrayBuffer>,
  bytesPerElement: number,
  layout: StridedLayout,
): Uint8Array<ArrayBuffer> {
  const { shape, strides } = layout;
  if (shape.includes(0) || isContiguous(layout)) return bytes;

  const count = numel(shape);
  const rows = new Uint8Array(count * bytesPerElement);
  const from = elementView(bytes, bytesPerElement);
  const to = elementView(rows, bytesPerElement);
  const index = shape.map(() => 0);
  let source = 0;
  for (let target = 0; target < count; target++) {
    const element = from[source];
    if (element !== undefined) to[target] = element;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      const stride = strides[axis] ?? 0;
      const wraps = next === shape[axis];
      index[axis] = wraps ? 0 : next;
      source += wraps ? -(next - 1) * stride : stride;
      if (!wraps) break;
    }
  }
  return rows;
}
