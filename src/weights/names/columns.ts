/** The inputs of a weight, its last axis that is longer than 1, in another order. @module */

import { BYTES_PER_ELEMENT, type HostTensor } from "../../core/host_tensor.ts";

/**
 * Puts the pieces of each row of a tensor into another order.
 *
 * @param order Which of the old pieces each new one is; a row has as many.
 * @param pieceBytes Bytes of a piece, which may be many elements.
 */
function reordered(
  value: HostTensor,
  order: readonly number[],
  pieceBytes: number,
): HostTensor {
  const rowBytes = order.length * pieceBytes;
  const bytes = new Uint8Array(value.bytes.length);
  for (let row = 0; row < bytes.length; row += rowBytes) {
    for (const [to, from] of order.entries()) {
      const start = row + from * pieceBytes;
      bytes.set(
        value.bytes.subarray(start, start + pieceBytes),
        row + to * pieceBytes,
      );
    }
  }
  return { dtype: value.dtype, shape: value.shape, bytes };
}

const shown = ({ shape }: HostTensor) => `[${shape.join(", ")}]`;

/**
 * Swaps the order of the levels that a 1×1 convolution fuses: from coarse to fine ↔ from
 * fine to coarse.
 *
 * @param value [C, levels·C, 1, 1]
 * @throws {RangeError} If its inputs are no whole number of levels.
 */
export function reversedLevels(value: HostTensor): HostTensor {
  const [channels = 0, inputs = 0, ...kernel] = value.shape;
  const levels = inputs / channels;
  if (!Number.isInteger(levels) || kernel.some((side) => side !== 1)) {
    throw new RangeError(
      `Cannot reverse the levels of a weight of shape ${shown(value)}: it must be ` +
        "[C, levels·C, 1, 1]",
    );
  }
  const order = Array.from({ length: levels }, (_, level) => levels - 1 - level);
  return reordered(value, order, channels * BYTES_PER_ELEMENT[value.dtype]);
}

/**
 * The four pixels of a 2×2 patch as Swin's authors concatenate them: columns outside,
 * rows inside, so that the second one is below the first.
 */
const PATCH = [0, 2, 1, 3] as const;

function patchOrder(value: HostTensor, toUnfolded: boolean): HostTensor {
  const width = value.shape.at(-1) ?? 0;
  if (width === 0 || width % PATCH.length !== 0) {
    throw new RangeError(
      `Cannot reorder the merged patches of a weight of shape ${
        shown(value)
      }: its last ` +
        `axis must be a multiple of ${PATCH.length}`,
    );
  }
  const channels = width / PATCH.length;
  const order = new Array<number>(width).fill(0);
  for (let c = 0; c < channels; c++) {
    for (const [pixel, block] of PATCH.entries()) {
      const unfolded = c * PATCH.length + pixel;
      const concatenated = block * channels + c;
      if (toUnfolded) order[unfolded] = concatenated;
      else order[concatenated] = unfolded;
    }
  }
  return reordered(value, order, BYTES_PER_ELEMENT[value.dtype]);
}

/**
 * Swin's patch merging as its authors have it → as `nn.Unfold` and we have it.
 *
 *   theirs: channel c of pixel (y, x) is (2x + y)·C + c;  ours: 4c + 2y + x
 *
 * @param value `reduction.weight` [O, 4C], `norm.weight` or `norm.bias` [4C]
 * @throws {RangeError} If the last axis is no multiple of 4.
 */
export const mergeToUnfold = (value: HostTensor): HostTensor => patchOrder(value, true);

/** The inverse of {@linkcode mergeToUnfold}, for files that go back. */
export const unfoldToMerge = (value: HostTensor): HostTensor => patchOrder(value, false);
