/**
 * How naming schemes convert values: they split and concatenate tensors along the first
 * axis, as for packed queries, keys and values, and reorder the inputs of a weight.
 *
 * @module
 */
import {
  BYTES_PER_ELEMENT,
  concatBytes,
  formatShape,
  type HostTensor,
  numel,
} from "../../core/host_tensor.ts";

const describeTensor = ({ dtype, shape }: HostTensor) => `${dtype} ${formatShape(shape)}`;

/**
 * Concatenates tensors along their first axis.
 *
 * @throws {RangeError} If they differ in another axis or in their dtype.
 */
export function concatRows(tensors: readonly HostTensor[]): HostTensor {
  const [first] = tensors;
  const rest = (tensor: HostTensor) =>
    `${tensor.dtype} ${tensor.shape.slice(1).join(" ")}`;
  if (
    first === undefined || first.shape.length === 0 ||
    tensors.some((tensor) => rest(tensor) !== rest(first))
  ) {
    const described = tensors.map(describeTensor).join(" and ") || "no tensors";
    throw new RangeError(
      `Cannot join rows of ${described}: only the first axis may differ`,
    );
  }
  const bytes = concatBytes(tensors.map((tensor) => tensor.bytes));
  const rows = tensors.reduce((sum, { shape: [count = 0] }) => sum + count, 0);
  return { dtype: first.dtype, shape: [rows, ...first.shape.slice(1)], bytes };
}

/**
 * Splits a tensor along its first axis.
 *
 * @param ratio Relative sizes of the results.
 * @returns Tensors that share its memory.
 * @throws {RangeError} If the rows are not divisible by the sum of the ratio.
 */
export function splitRows(
  value: HostTensor,
  ratio: readonly number[],
): readonly HostTensor[] {
  const [rows, ...rest] = value.shape;
  const ratioSum = ratio.reduce((sum, share) => sum + share, 0);
  if (rows === undefined || rows % ratioSum !== 0) {
    throw new RangeError(
      `Cannot split the rows of ${describeTensor(value)}: their number must be a ` +
        `multiple of ${ratioSum}`,
    );
  }
  let position = 0;
  return ratio.map((share) => {
    const start = position;
    position += value.bytes.length / ratioSum * share;
    const bytes = value.bytes.subarray(start, position);
    return { dtype: value.dtype, shape: [rows / ratioSum * share, ...rest], bytes };
  });
}

/**
 * Reorders the pieces of each row of a tensor.
 *
 * @param order The old index of each new piece of a row.
 * @param pieceBytes Bytes of a piece, which may have many elements.
 */
function reorderColumns(
  value: HostTensor,
  order: readonly number[],
  pieceBytes: number,
): HostTensor {
  const rowBytes = order.length * pieceBytes;
  const bytes = new Uint8Array(value.bytes.length);
  for (let row = 0; row < bytes.length; row += rowBytes) {
    for (const [to, from] of order.entries()) {
      const start = row + from * pieceBytes;
      const piece = value.bytes.subarray(start, start + pieceBytes);
      bytes.set(piece, row + to * pieceBytes);
    }
  }
  return { dtype: value.dtype, shape: value.shape, bytes };
}

/**
 * Reverses the order of the levels that a convolution fuses.
 *
 * @param value [C, levels·C, KH, KW]
 * @throws {RangeError} If its inputs are not a whole number of levels.
 */
export function reverseFusedLevels(value: HostTensor): HostTensor {
  const { shape, dtype } = value;
  const [channels = 0, inputs = 0, ...kernel] = shape;
  const levels = inputs / channels;
  if (!Number.isInteger(levels) || shape.length !== 4) {
    throw new RangeError(
      `Cannot reverse the levels of a weight of shape ${
        formatShape(shape)
      }: it must be ` +
        "[C, levels·C, height, width]",
    );
  }
  const order = Array.from({ length: levels }, (_, level) => levels - 1 - level);
  return reorderColumns(
    value,
    order,
    channels * numel(kernel) * BYTES_PER_ELEMENT[dtype],
  );
}

/**
 * The four pixels of a 2×2 patch as Swin's authors concatenate them: column by column, so
 * that the second pixel is below the first.
 */
const PATCH_ORDER = [0, 2, 1, 3] as const;

/**
 * Converts Swin's patch merging from the authors' order to that of `nn.Unfold` and fst.
 *
 *   channel c of pixel (y, x): authors (2x + y)·C + c, nn.Unfold 4c + 2y + x
 *
 * @param value `reduction.weight` [O, 4C], `norm.weight` or `norm.bias` [4C]
 * @throws {RangeError} If the last axis is not a multiple of 4.
 */
export function concatToUnfoldOrder(value: HostTensor): HostTensor {
  const inputs = value.shape.at(-1) ?? 0;
  if (inputs === 0 || inputs % PATCH_ORDER.length !== 0) {
    throw new RangeError(
      "Cannot reorder the merged patches of a weight of shape " +
        `${formatShape(value.shape)}: its last axis must be a multiple of ` +
        `${PATCH_ORDER.length}`,
    );
  }
  const channels = inputs / PATCH_ORDER.length;
  const order = Array.from(
    { length: channels },
    (_, c) => PATCH_ORDER.map((block) => block * channels + c),
  ).flat();
  return reorderColumns(value, order, BYTES_PER_ELEMENT[value.dtype]);
}
