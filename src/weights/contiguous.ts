/** Tensors with strides, laid out row by row. @module */

/** Which elements of a run of memory make a tensor. */
export interface Layout {
  /** Sizes of the axes. */
  readonly shape: readonly number[];
  /** Elements from one index to the next, per axis. */
  readonly strides: readonly number[];
}

/** Elements from the first one to the last one, both included; 0 without elements. */
export function extentOf({ shape, strides }: Layout): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((sum, side, axis) => sum + (side - 1) * (strides[axis] ?? 0), 1);
}

/** Strides of a tensor whose elements follow one another row by row. */
export function rowStrides(shape: readonly number[]): number[] {
  let stride = 1;
  return shape.toReversed().map((side) => {
    const current = stride;
    stride *= Math.max(side, 1);
    return current;
  }).reverse();
}

/** Whether the elements are row by row already; axes of one index may step anyhow. */
function isContiguous({ shape, strides }: Layout): boolean {
  const rows = rowStrides(shape);
  return shape.every((side, axis) => side === 1 || strides[axis] === rows[axis]);
}

type Elements = Uint8Array | Uint16Array | Uint32Array | BigUint64Array;

function elementsIn(bytes: Uint8Array<ArrayBuffer>, width: number): Elements {
  const { buffer, byteOffset } = bytes;
  const count = bytes.length / width;
  if (width === 8) return new BigUint64Array(buffer, byteOffset, count);
  if (width === 4) return new Uint32Array(buffer, byteOffset, count);
  if (width === 2) return new Uint16Array(buffer, byteOffset, count);
  return bytes;
}

/**
 * Copies the elements of a tensor into rows.
 *
 * @param bytes From the tensor's first element to its last one; aligned to the elements.
 * @param width Bytes per element: 1, 2, 4 or 8.
 * @returns The same bytes where they are in rows already.
 */
export function contiguous(
  bytes: Uint8Array<ArrayBuffer>,
  width: number,
  layout: Layout,
): Uint8Array<ArrayBuffer> {
  const { shape, strides } = layout;
  if (shape.includes(0) || isContiguous(layout)) return bytes;

  const count = shape.reduce((product, side) => product * side, 1);
  const rows = new Uint8Array(count * width);
  const from = elementsIn(bytes, width);
  const to = elementsIn(rows, width);
  const index = shape.map(() => 0);
  let source = 0;
  for (let target = 0; target < count; target++) {
    const element = from[source];
    if (element !== undefined) to[target] = element;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      const stride = strides[axis] ?? 0;
      const turns = next === shape[axis];
      index[axis] = turns ? 0 : next;
      source += turns ? -(next - 1) * stride : stride;
      if (!turns) break;
    }
  }
  return rows;
}
